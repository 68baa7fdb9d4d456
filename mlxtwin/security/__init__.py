"""Keys, sealed files, the keychain, airplane mode, and what must be masked or stripped from text."""
