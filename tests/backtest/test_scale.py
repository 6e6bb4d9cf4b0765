"""What holds for a few thousand people still holds for tens of thousands."""

import time

import pytest
from clear_text import make_identities

from governance.encoding.anchored import encode, encoding_keys
from governance.keys import RootKey
from linkage.match import link
from linkage.model import load_model
from linkage.train import group_f1

FEWER, MORE = 3_000, 30_000


@pytest.mark.slow
def test_time_grows_with_the_records_and_quality_holds(tmp_path, capsys):
    key_of = encoding_keys(RootKey(bytes(range(32))), purpose="scale", epoch=1)
    taken = {}
    for people in (FEWER, MORE):
        identities = make_identities(people, 7, tmp_path / str(people))
        started = time.perf_counter()
        links = link(encode(identities, key_of), load_model())
        taken[people] = (time.perf_counter() - started) / identities.height
        f1 = group_f1(links.groups, identities.select("record_id", "person"))
        with capsys.disabled():
            print(f"\n{identities.height:,} records: group F1 {f1:.3f}")
        assert f1 >= 0.95
    assert taken[MORE] < 1.5 * taken[FEWER]
