from recmind.tools.evidence.slate import Evidence, Finding, Findings, Slate

COMEDY = Evidence("metadata", "genre Comedy", {"attribute": "genres", "value": "Comedy"})
LIKED = Evidence(
    "collaborative", "what people who liked Alien also liked", {"because": [{"item_id": "1", "weight": 1.0}]}
)


def found(tool: str, *rows: Finding) -> Findings:
    return Findings(tool, rows)


def test_handles_and_evidence_numbers_are_handed_out_in_row_order() -> None:
    slate, entries = Slate().merged(
        found("search_items", Finding("9", "Tremors", evidence=(COMEDY, LIKED)), Finding("1", "Alien", "reference"))
    )
    assert [(e.handle, e.item_id, e.evidence) for e in entries] == [("c1", "9", (1, 2)), ("r1", "1", ())]
    assert slate.evidence == (COMEDY, LIKED)


def test_two_tools_that_find_the_same_item_share_its_entry() -> None:
    slate, _ = Slate().merged(
        found("search_items", Finding("9", "Tremors", evidence=(COMEDY,), scores={"semantic": 0.4}))
    )
    slate, entries = slate.merged(
        found(
            "collaborative_filtering", Finding("9", "Tremors", evidence=(LIKED, COMEDY), scores={"collaborative": 0.7})
        )
    )
    (entry,) = entries
    assert entry.handle == "c1"
    assert entry.evidence == (1, 2)
    assert entry.scores == {"semantic": 0.4, "collaborative": 0.7}
    assert entry.tools == ("search_items", "collaborative_filtering")


def test_items_that_share_a_fact_share_its_number() -> None:
    slate, entries = Slate().merged(
        found(
            "filter_items", Finding("9", "Tremors", evidence=(COMEDY,)), Finding("8", "Airplane!", evidence=(COMEDY,))
        )
    )
    assert [entry.evidence for entry in entries] == [(1,), (1,)]
    assert len(slate.evidence) == 1


def test_a_reference_stays_one_when_it_is_found_again() -> None:
    slate, _ = Slate().merged(found("user_history", Finding("1", "Alien", "reference")))
    slate, entries = slate.merged(found("search_items", Finding("1", "Alien", "candidate")))
    assert [(e.handle, e.role) for e in entries] == [("r1", "reference")]
    assert slate.candidates() == []


def test_merging_leaves_the_old_slate_as_it_was() -> None:
    before = Slate()
    before.merged(found("search_items", Finding("9", "Tremors", evidence=(COMEDY,))))
    assert before == Slate()


def test_fact_knows_only_its_own_numbers() -> None:
    slate, _ = Slate().merged(found("search_items", Finding("9", "Tremors", evidence=(COMEDY,))))
    assert slate.fact(1) == COMEDY
    assert (slate.fact(0), slate.fact(2), slate.fact(-1)) == (None, None, None)


def test_a_model_reads_long_titles_of_references_as_their_handles() -> None:
    long, longer = (
        "A Book of Everything that Grows in Gardens",
        "A Book of Everything that Grows in Gardens, Second Edition",
    )
    slate, _ = Slate().merged(
        Findings(
            "user_history",
            (
                Finding("1", long, "reference", (Evidence("history", f"your purchase of {long}"),)),
                Finding("2", longer, "reference", (Evidence("history", f"your purchase of {longer}"),)),
                Finding("3", "Moss", "reference", (Evidence("history", "your purchase of Moss"),)),
            ),
        )
    )
    fact = Evidence("collaborative", f"what people who chose {longer}, {long} and Moss also chose")
    slate, (entry,) = slate.merged(
        Findings("collaborative_filtering", (Finding("4", "word " * 40, "candidate", (fact,)),))
    )
    assert slate.told(1) == "your purchase of r1"
    assert slate.told(3) == "your purchase of Moss"
    assert slate.told(4) == "what people who chose r2, r1 and Moss also chose"
    assert slate.evidence[3].text == fact.text
    assert entry.short_title == "word " * 18 + "…"
