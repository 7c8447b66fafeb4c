"""One library, or one corner of the operating system, each. Adapters act and report; they decide nothing."""
