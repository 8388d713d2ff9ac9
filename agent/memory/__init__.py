"""What outlives a request: what people state for good, and the threads of their conversations."""
