"""Conversations: their threads, how a message of one is read, and the questions that are asked back."""
