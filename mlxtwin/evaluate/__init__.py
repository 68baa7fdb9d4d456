"""Numbers about an adapter, and the gate that turns them into a verdict."""
