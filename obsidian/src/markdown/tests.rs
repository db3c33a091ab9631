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
fn comments_stay_hidden() {
    for (text, expect) in [
        ("One <!-- of us --> two.", "One <!-- of us --> two."),
        ("One %%of us%% two.", "One <!-- of us --> two."),
        ("<!-- a\n\n- b\n-->\n\nText", "<!-- a\n- b -->\n\nText"),
        ("%%\n# a\n\nb\n%%\nText", "<!-- \\# a\nb -->\n\nText"),
        ("%% a %% **text**", "\u{200a}<!-- a --> **text**"),
        ("- %% a %% **text**", "- \u{200a}<!-- a --> **text**"),
        ("<!-- a --> text", "<!-- a -->\ntext"),
        ("- <!-- a -->\n- b", "- <!-- a -->\n- b"),
        ("| a |\n| --- |\n| 1 <!-- x --> |", "| a |\n| --- |\n| 1 <!-- x --> |"),
        ("## A <!-- b -->", "## A <!-- b -->"),
        ("<!-- no end\n\nText", "<!-- no end\nText -->"),
        ("100 %% no end", "100 &#37;&#37; no end"),
        ("`%% code %%`", "<code>&#37;&#37; code &#37;&#37;</code>"),
        ("```text\n%% code %%\n```", "```text\n%% code %%\n```"),
        ("<div><!-- a\nb --></div>", "&lt;div><!-- a b -->&lt;/div>"),
    ] {
        assert_eq!(personal(text, 2, &|_| None), expect, "{text}");
    }
}

#[test]
fn nothing_in_a_comment_has_effect() {
    for hostile in [
        "x --> <script>y</script>",
        "--!> <b>",
        "> y",
        "-> y",
        "key:: value [k:: v]",
        "<% tp.x %> `= this.x` `$= dv.x`",
        "tidegate:end rows -->",
        "tidegate:page x -->",
        "%% [[x]] ^block",
        "% [[x]] #tag ^block",
    ] {
        for text in
            [format!("%%{hostile}%%"), format!("a %%{hostile}%% b"), format!("<!--{hostile}")]
        {
            let shown = personal(&text, 2, &|_| None);
            for bad in ["<script", "<b>", "::", "<%", "`", "%%", "[[", "tidegate:", " #tag", "--!>"]
            {
                assert!(!shown.contains(bad), "{bad}: {text}: {shown}");
            }
            let (starts, ends) = (shown.matches("<!--").count(), shown.matches("-->").count());
            assert!(starts == ends && starts <= 1 || shown.contains("&lt;!--"), "{text}: {shown}");
        }
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
fn a_persons_text_is_what_obsidian_shows() {
    let pages = |target: &str| target.starts_with("Box").then(|| "Notes/Box".to_owned());
    for (text, expect) in [
        ("First line\nsecond line", "First line\nsecond line"),
        (
            "up:: [[MOC]]\nstatus:: wip\n(k:: v) [k:: v]",
            "up:\\: MOC\nstatus:\\: wip\n(k:\\: v) &#91;k:\\: v&#93;",
        ),
        ("- a\n  b\n\n> c\n> d", "- a\n    b\n\n> c\n> d"),
        ("A *small* _word_, ***both***, *a **b** c*", "A *small* *word*, ***both***, *a **b** c*"),
        ("*![](x.png)* *[[Box]]*", "*x.png* *[[Notes/Box|Box]]*"),
        ("==mark== and ==**bold**==", "==mark== and ==**bold**=="),
        ("a\n\\==\nb", "a\n\\==\nb"),
        ("#soc/tier2 #todo\nowner", "#soc/tier2 #todo\nowner"),
        ("\\#no, \\*no\\*, \\`no\\`", "\\#no, \\*no\\*, &#96;no&#96;"),
        ("$E=mc^2$ and $5 and $6", "$E=mc^2$ and \\$5 and \\$6"),
        ("$$\na\nb\n$$", "$$ a b $$"),
        ("![[image.png|200]] ![[i.png|200x100]] ![alt|50](x.png)", "image.png i.png alt (x.png)"),
        ("![[Box#^block1]] ![[Box]]", "[[Notes/Box|Box#^block1]] [[Notes/Box|Box]]"),
        ("Text ^block1\n\n^id-2", "Text ^block1\n\n^id-2"),
        ("MITRE ATT&CK Tactic(s)", "MITRE ATT&CK Tactic(s)"),
        ("Two\nlines\n===", "## Two lines"),
        ("> [!note] Title\n> one\n> two", "> [!note] Title\n> one\n> two"),
        ("a\n- b\n1) c\n2. d\n\u{a0}-e", "a\n\n- b\n\n1. c\n\n2. d\n    \u{200a}-e"),
    ] {
        assert_eq!(personal(text, 2, &pages), expect, "{text}");
    }
}

#[test]
fn nothing_of_a_persons_note_runs() {
    let hostile = "Text <script>x</script>\n<img src=x onerror=y> key:: value\n[k:: v] `$= dv.pages()`\n`= this.file` <% tp.x %>\n$\\href{javascript:x}{y}$ $$<img src=x onerror=y>$$\n[a](javascript:x) #T1102_002 #attack/T1102\n*`= x`* ==`= y`== *<b>*\n\n```dataviewjs\nf()\n```\n\n<div onclick=x>\n\nkey\n:: value\n:\\: value\n*key*:: v\n==key==:: v\n#key:: v\n$k$:: v\n$a`$= b`$\n";
    let shown = personal(hostile, 4, &|_| None);
    for bad in [
        "<script",
        "<img",
        "<div",
        "<b>",
        "::",
        "`$=",
        "`= ",
        "<%",
        "\n$\\href",
        "$$<",
        "](javascript",
        " #T1102",
        " #attack",
        "```dataview",
    ] {
        assert!(!shown.contains(bad), "{bad} in {shown}");
    }
    for line in shown.lines() {
        assert!(crate::fields::leaked(line).is_empty(), "{line}");
    }
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
        "#### Description\n\nSee [[Techniques/T1567 - Exfiltration|exfiltration]], [[Techniques/T1567 - Exfiltration|T1567]], [[Techniques/T1567 - Exfiltration|there]] and **bold**.[^1]\n\n| Tool | Use |\n| --- | --- |\n| S0363 (Empire) | [[Techniques/T1567 - Exfiltration\\|out]] |\n\n> [!warning]- Ours\n> Only at night.\n\n1. Look.\n    - by host\n2. Then.\n\n- [ ] open\n- [x] done\n\ndiagram.png\n\nkey:\\: Jane Doe\n\n[^1]: a footnote"
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
