"""The partnership's keys: their rings, epochs, bundles, rotation and destruction."""
