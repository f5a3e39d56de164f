"""Claims: a formula that someone brings, proved or refuted."""
