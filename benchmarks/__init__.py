"""Speed of circuitgrad beside other libraries; `python -m benchmarks` writes docs/performance.md.

Reading order: case.py (what is measured), problems/ (one module each, with a reference derived by
hand), peers/ (one module per library), timing.py (the rounds), report.py (the page).
"""
