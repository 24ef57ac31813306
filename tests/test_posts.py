"""How a post is written in a reply: an id as it is, a name masked."""

from __future__ import annotations

import pytest

from gridmap.model import StaffPost
from tiles.web.posts import MEMBERS, masked, members


@pytest.mark.parametrize(
    ("person", "told"),
    [
        ("P500103-000017", "P500103-000017"),
        ("a.b_c-9", "a.b_c-9"),
        ("", ""),
        ("张", "张"),
        ("张三", "张*"),
        ("张小三", "张*三"),
        ("欧阳小三", "欧*三"),
        ("张 三", "张*"),
        ("张　小三", "张*三"),
        ("阿依古丽·买买提", "阿*提"),
        ("𠮷野家", "𠮷*家"),
        ("P-7 张小三（代）13800138000", "P-7 张*三（代）13800138000"),
        ("王五/赵小六", "王*/赵*六"),
    ],
)
def test_of_a_name_the_first_letter_and_the_last_are_told(person: str, told: str) -> None:
    assert masked(person) == told
    assert masked(told) == told, "what is masked stays as it is"


def test_a_post_says_what_its_schema_says() -> None:
    post = StaffPost("G-01", "G", "网格长", "张小三", "白班 09:00-18:00")
    said = members(post, is_on_duty=True)
    assert said == {"role": "网格长", "person": "张*三", "shift": "白班 09:00-18:00", "on_duty": True}
    assert said.keys() == MEMBERS.keys()
