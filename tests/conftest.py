"""What holds for all tests: hypothesis looks for wrong answers, and leaves their time to the benchmarks."""

from hypothesis import settings

settings.register_profile("hedgerow", deadline=None)
settings.load_profile("hedgerow")
