"""Ours against others on the same work: the contestants of ``mlxtwin bench train``, each a process of its own."""
