"""Row 40: what the notes print wrong is refuted, what they print right is proved."""

import pathlib

from record import Row, folder, report

from circuitgrad.claims.files import check_claims, read_claims
from circuitgrad.claims.reports import save_report

CLAIMS = pathlib.Path(__file__).resolve().parents[1] / "claims"


def main():
    counts = {}
    for name in ("errata", "formulas"):
        claims = read_claims(CLAIMS / f"{name}.toml")
        results = list(check_claims(claims))
        assert all(result.is_expected for result in results), name
        save_report(claims, results, folder() / f"n40_{name}.html")
        for result in results:
            counts[result.status] = counts.get(result.status, 0) + 1
    assert counts["refuted"] == 14
    assert counts["proved"] >= 60
    report(
        Row(
            40,
            "the mistakes of the notes",
            f"{counts['refuted']} formulas refuted, {counts['proved']} proved",
            "each verdict with its method or its counterexample",
            "n40_errata.html",
        ),
    )


if __name__ == "__main__":
    main()
