"""The machine and the base model: which device, which BLAS, loading, generating, adapters."""
