"""What an answer says: its message, the summary of a taste, its recommendations, the fits of a group.

It knows the state and the types of an answer.
"""
