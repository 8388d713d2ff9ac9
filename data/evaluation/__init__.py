"""What an evaluation is made of: interactions held out, metrics over cases, and how sure a mean of them is."""
