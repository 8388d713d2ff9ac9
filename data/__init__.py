"""What RecMind knows: records, the store, conditions, importers and the demo catalogue."""
