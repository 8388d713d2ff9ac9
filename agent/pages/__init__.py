"""What all of RecMind's pages share: one look in light and dark, and files with everything in them."""
