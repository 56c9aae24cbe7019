"""Adapters of the ports, and the only place of boto3. `tables.py` shows the DynamoDB design."""
