"""The console: what operators see of a ledger, as pages made here that load nothing else."""
