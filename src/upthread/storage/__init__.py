"""The two engines: connections, transactions, migrations, backup."""
