"""What no input may bring about, as functions of bytes: for the coverage-guided fuzzer, and to replay what it found.

The same promises are held by structured inputs in ``tests/unit/fuzz``. ``python -m tests.fuzz`` looks for new cases.
"""
