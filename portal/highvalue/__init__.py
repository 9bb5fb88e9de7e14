"""High-value datasets: which datasets serve which entry of the list, and how far every region has them."""
