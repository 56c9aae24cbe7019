"""Only here: boto3. One module per port of `ports/`; `tables.py` is the whole DynamoDB design on one page."""
