"""Round the links: their quality, report and review; training and measuring the model."""
