"""From a draft to what is public: certified, approved by two, and withdrawn."""
