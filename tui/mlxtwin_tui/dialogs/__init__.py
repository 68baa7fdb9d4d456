"""Questions over a screen: one file each. They know how to ask; what follows is in `doors`."""
