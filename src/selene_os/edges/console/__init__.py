"""The console: what operators see of a ledger, as pages that are made here and load nothing else."""
