use super::convert;

fn text(html: &str) -> String {
    convert(html).text
}

#[test]
fn headings_lists_code_and_tables_become_markdown() {
    let html = "<h2>Ports <a href='#ports'>#</a></h2><p>Some <b>big</b>\n  ones:</p>\
        <ul><li>Cork<li>Brest<ul><li>old</ul></ul>\
        <pre><code>let x = 1;\n\nlet y;</code></pre>\
        <table><tr><th>port<th>ships<tr><td>Kiel<td>3</table>";
    assert_eq!(
        text(html),
        "## Ports\n\nSome big ones:\n\n- Cork\n- Brest\n  - old\n\n```\nlet x = 1;\n\nlet y;\n```\n\n\
         | port | ships |\n| --- | --- |\n| Kiel | 3 |"
    );
}

#[test]
fn headings_are_found_where_they_stand() {
    let page = convert("<p>a</p><h1>One</h1><p>b</p><h3>Two</h3>");
    let found: Vec<_> = page
        .headings
        .iter()
        .map(|heading| (heading.level, &page.text[heading.start..][..3]))
        .collect();
    assert_eq!(found, [(1, "# O"), (3, "###")]);
}

#[test]
fn scripts_and_styles_are_not_text() {
    let html = "<style>p{}</style><p>a</p><script>if (a < b) { '<p>no</p>' }</script><svg><text>x</text></svg>";
    assert_eq!(text(html), "a");
}

#[test]
fn navigation_and_footers_are_left_out() {
    let html = "<nav><a href=/>Home</a> <a href=/docs>Docs</a></nav>\
        <div class='sidebar'>Contents</div><p>The keeper counts the turns of the lamp.</p>\
        <footer>Copyright</footer>";
    assert_eq!(text(html), "The keeper counts the turns of the lamp.");
}

#[test]
fn the_main_element_is_the_content() {
    let html =
        "<div>Welcome to our site</div><main><h1>Lamps</h1><p>They turn at night.</p></main>";
    assert_eq!(text(html), "# Lamps\n\nThey turn at night.");
}

#[test]
fn a_page_that_calls_everything_navigation_is_read_whole() {
    assert_eq!(
        text("<div class=menu><p>The only text there is.</p></div>"),
        "The only text there is."
    );
}

#[test]
fn a_long_list_of_links_is_a_menu() {
    let menu: String = (0..9)
        .map(|n| format!("<li><a href=/{n}>Page {n}</a></li>"))
        .collect();
    let prose = "The keeper counts the turns of the lamp. ".repeat(5);
    assert_eq!(
        text(&format!("<ul>{menu}</ul><p>{prose}</p>")),
        prose.trim()
    );
}

#[test]
fn a_table_that_lays_out_a_page_is_not_a_table() {
    let html = "<table><tr><td>left</td><td><h1>Title</h1><p>One.</p><p>Two.</p></td></tr></table>";
    assert_eq!(text(html), "left\n\n# Title\n\nOne.\n\nTwo.");
}

#[test]
fn the_title_is_that_of_the_page_or_its_first_heading() {
    assert_eq!(
        convert("<title>A &amp;\n B</title><p>x").title.as_deref(),
        Some("A & B")
    );
    assert_eq!(convert("<h1>Lamps</h1>").title.as_deref(), Some("Lamps"));
}

#[test]
fn twenty_thousand_nested_elements_are_no_trouble() {
    let deep = "<div>".repeat(20_000);
    assert_eq!(
        text(&format!("{deep}deep{}", "</div>".repeat(20_000))),
        "deep"
    );
    assert_eq!(
        text(&format!("{deep}{}deep", "</p></b>".repeat(20_000))),
        "deep"
    );
    let tables = "<table><tr><td>".repeat(20_000);
    assert_eq!(text(&format!("{tables}deep")), "deep");
}

#[test]
fn entities_and_broken_markup_are_read() {
    assert_eq!(
        text("<p>a &lt; b &eacute; <b>c<p>d</i>"),
        "a < b \u{E9} c\n\nd"
    );
}
