"""What iterators of other processes and of yesterday must call by the same name."""

from datetime import UTC, datetime

from hyperstore.query.language.condition import (
    And,
    Condition,
    Exists,
    Field,
    Leaf,
    Not,
    Range,
    RoiCondition,
    Scope,
    Term,
    Wildcard,
)
from hyperstore.query.selection.fingerprint import plain_text


def test_the_text_of_a_condition_is_the_one_of_before() -> None:
    """A saved state of an iterator holds a hash of it, and is refused where that differs."""
    age = Leaf(Field(Scope.FRAME, "meta.age"), Range(1, 2.0, True))
    since = Leaf(Field(Scope.FRAME, "meta.day"), Range(None, datetime(2024, 1, 2, tzinfo=UTC)))
    uri = Leaf(Field(Scope.SOURCE, "uri"), Wildcard((None, "x", True)))
    dogs = Leaf(Field(Scope.ROI, "label", exact=True), Term("dog"))
    nothing = Not(Leaf(Field(Scope.ROI, "id"), Exists()))
    rules = (RoiCondition(And((dogs, nothing)), (2, None), (0.5, 1.0)),)
    assert plain_text(Condition(And((age, since)), uri, rules)) == (
        "Condition(And((Leaf(Field(str:'frame',str:'meta.age',bool:False),"
        "Range(int:1,float:2.0,bool:True,bool:False)),"
        "Leaf(Field(str:'frame',str:'meta.day',bool:False),"
        "Range(NoneType:None,datetime(2024-01-02T00:00:00+00:00),bool:False,bool:False)))),"
        "Leaf(Field(str:'source',str:'uri',bool:False),Wildcard((NoneType:None,str:'x',bool:True))),"
        "(RoiCondition(And((Leaf(Field(str:'roi',str:'label',bool:True),Term(str:'dog')),"
        "Not(Leaf(Field(str:'roi',str:'id',bool:False),Exists())))),"
        "(int:2,NoneType:None),(float:0.5,float:1.0),bool:False)),bool:False)"
    )
