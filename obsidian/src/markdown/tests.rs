use super::*;

#[test]
fn what_markup_means_stays() {
    for (text, expect) in [
        ("State: ~~do not~~ use", "State: ~~do not~~ use"),
        ("Severity: high  \nState: x\\\nOwner: y", "Severity: high<br>State: x<br>Owner: y"),
        ("| a |\n| --- |\n| 1<br/>2<BR>3 |", "| a |\n| --- |\n| 1<br>2<br>3 |"),
        (
            "> [!warning] Outer\n> Body\n> > [!note] Inner\n> > Nested\n>\n> After",
            "> [!warning] Outer\n> Body\n>\n> > [!note] Inner\n> > Nested\n>\n> After",
        ),
        ("> One\n>\n> Two\n\nThree", "> One\n>\n> Two\n\nThree"),
        (
            "[the team](https://t.example/ \"ask for Ann\") and [r]\n\n[r]: https://r.example/ \"of all\"",
            "[the team](https://t.example/) (ask for Ann) and [r](https://r.example/) (of all)",
        ),
        ("1.\n2. b\n\n-", "1.\n2. b\n\n-"),
        (
            "| a | b |\n|---|---|\n| 1 | [[x|y]] | z |",
            "| a | b |\n| --- | --- |\n| 1 | y (x) &#124; z |",
        ),
        ("```datacorejsx\nf()\n```", "datacorejsx:\n\n```text\nf()\n```"),
        ("```button\ntype command\n```", "button:\n\n```text\ntype command\n```"),
        ("```KQL\nx\n```", "```KQL\nx\n```"),
        ("Now `INPUT[text:foo]`", "Now “INPUT&#91;text:foo&#93;”"),
    ] {
        assert_eq!(personal(text, 2, &|_| None), expect, "{text}");
    }
}

#[test]
fn structure_stays() {
    let text = "## Triage\n\nFirst *words*,\nthen **more**.\n\n### Steps\n\n- One [link](https://a.example/x).\n  - Two `code`.\n- Three.\n\n1. Call.\n2. Wait.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n> Quoted.\n\n```sh\nls\n```\n";
    assert_eq!(
        inert(text, 4),
        "#### Triage\n\nFirst words, then **more**.\n\n##### Steps\n\n- One [link](https://a.example/x).\n    - Two `code`.\n- Three.\n\n1. Call.\n2. Wait.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n\n> Quoted.\n\n```sh\nls\n```"
    );
}

#[test]
fn nothing_of_others_has_effect() {
    let hostile = "Text <script>x</script> <img src=x onerror=y> [[Nowhere]] ![[embed]] key:: value [k:: v] `$= dv.pages()` `= this.file` <% tp.x %> $$x$$ %%hidden%% [a](javascript:x) [b](obsidian://x) #tag ^block\n\n```dataviewjs\ndv.pages()\n```\n\n```dataview\nLIST\n```\n\n~~~tasks\nx\n~~~\n\n<div onclick=x>\n\nkey\n:: value\n";
    let shown = inert(hostile, 4);
    for bad in [
        "<script",
        "<img",
        "<div",
        "[[",
        "![",
        "::",
        "`$=",
        "`= ",
        "<%",
        "$$",
        "%%",
        "](javascript",
        "](obsidian",
        " #tag",
        "^block",
        "```dataview",
        "```tasks",
    ] {
        assert!(!shown.contains(bad), "{bad} in {shown}");
    }
}

#[test]
fn the_structure_of_a_persons_note_stays() {
    let pages = |target: &str| {
        target.starts_with("T1567").then(|| "Techniques/T1567 - Exfiltration".to_owned())
    };
    let text = "### Description\n\nSee [[T1567|exfiltration]], [[T1567]], [there](T1567.md) and **bold**.[^1]\n\n| Tool | Use |\n| --- | --- |\n| [[Empire\\|S0363]] | [[T1567\\|out]] |\n\n> [!warning]- Ours\n> Only [[at night]].\n\n1. Look.\n   - by host\n2. Then.\n\n- [ ] open\n- [x] done\n\n![[diagram.png]]\n\nkey:: [[Jane Doe]]\n\n[^1]: a footnote\n";
    assert_eq!(
        personal(text, 4, &pages),
        "#### Description\n\nSee [[Techniques/T1567 - Exfiltration|exfiltration]], [[Techniques/T1567 - Exfiltration|T1567]], [[Techniques/T1567 - Exfiltration|there]] and **bold**.[^1]\n\n| Tool | Use |\n| --- | --- |\n| S0363 (Empire) | [[Techniques/T1567 - Exfiltration\\|out]] |\n\n> [!warning]- Ours\n> Only at night.\n\n1. Look.\n    - by host\n2. Then.\n\n- [ ] open\n- [x] done\n\ndiagram.png\n\nkey:&#58; Jane Doe\n\n[^1]: a footnote"
    );
}

#[test]
fn every_word_stays() {
    let text = "# A\n\ntext ~~gone~~ <b>bold</b> ![alt words](x.png)\n\n    indented code\n\n---\n\n[ref]: https://a.example\n\nuses [ref] and !{osquery{\"label\":\"Osquery\"}}\n\n* [ ] task\n";
    let shown = inert(text, 3);
    for word in ["A", "gone", "bold", "alt words", "indented code", "osquery", "label", "task"] {
        assert!(shown.contains(word), "{word} in {shown}");
    }
}
