//! The languages that are told apart, and how their definitions begin.

/// A language. Where no definitions are listed, none are looked for.
pub(super) struct Language {
    pub(super) name: &'static str,
    pub(super) extensions: &'static [&'static str],
    /// File names that belong to it whole.
    pub(super) names: &'static [&'static str],
    pub(super) interpreters: &'static [&'static str],
    /// Words that begin a definition.
    keywords: &'static [&'static str],
    /// Words that may stand before them.
    modifiers: &'static [&'static str],
    /// What the lines begin with that belong to the definition below them: comments, attributes, decorators.
    prefixes: &'static [&'static str],
    /// Whether indented definitions count, too.
    nested: bool,
}

const NONE: Language = Language {
    name: "",
    extensions: &[],
    names: &[],
    interpreters: &[],
    keywords: &[],
    modifiers: &[],
    prefixes: &[],
    nested: false,
};

const SLASHES: &[&str] = &["//", "/*", "*", "@", "#["];

impl Language {
    /// Whether a line, its indentation taken off, begins a definition.
    pub(super) fn defines(&self, code: &str, indent: usize) -> bool {
        if indent > 0 && !self.nested {
            return false;
        }
        if self.name == "toml" || self.name == "ini" {
            return code.starts_with('[') && code.trim_end().ends_with(']');
        }
        let mut words = code
            .split(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '!' | '$' | '#')))
            .filter(|word| !word.is_empty());
        let keyword = words.find(|word| !self.modifiers.contains(word));
        let starts_with_word = code.starts_with(|c: char| c.is_alphabetic() || c == '#');
        starts_with_word
            && keyword.is_some_and(|word| self.keywords.contains(&word))
            // A word alone defines nothing.
            && words.next().is_some()
    }

    /// Whether a line belongs to the definition that follows it.
    pub(super) fn belongs_to_next(&self, code: &str) -> bool {
        self.prefixes.iter().any(|prefix| code.starts_with(prefix))
    }
}

/// All extensions of the languages below.
pub(super) const EXTENSIONS: &[&str] = &[
    "bash", "c", "cc", "cfg", "clj", "conf", "cpp", "cs", "css", "cxx", "dart", "ex", "exs",
    "fish", "go", "gradle", "graphql", "h", "hpp", "hs", "ini", "java", "jl", "js", "jsx", "kt",
    "kts", "lua", "mjs", "ml", "mts", "php", "pl", "pm", "proto", "ps1", "py", "pyi", "r", "rb",
    "rs", "scala", "scss", "sh", "sql", "swift", "tcl", "tf", "toml", "ts", "tsx", "vue", "xml",
    "xsd", "yaml", "yml", "zig", "zsh",
];

pub(super) const LANGUAGES: &[Language] = &[
    Language {
        name: "rust",
        extensions: &["rs"],
        keywords: &[
            "fn",
            "struct",
            "enum",
            "trait",
            "impl",
            "mod",
            "type",
            "union",
            "macro_rules!",
        ],
        modifiers: &[
            "pub", "crate", "super", "in", "async", "const", "unsafe", "extern", "default",
        ],
        prefixes: SLASHES,
        nested: true,
        ..NONE
    },
    Language {
        name: "python",
        extensions: &["py", "pyi"],
        interpreters: &["python", "pypy"],
        keywords: &["def", "class"],
        modifiers: &["async"],
        prefixes: &["#", "@"],
        nested: true,
        ..NONE
    },
    Language {
        name: "javascript",
        extensions: &["js", "jsx", "mjs", "vue"],
        interpreters: &["node", "deno", "bun"],
        keywords: &["function", "function*", "class"],
        modifiers: &["export", "default", "async"],
        prefixes: SLASHES,
        ..NONE
    },
    Language {
        name: "typescript",
        extensions: &["ts", "tsx", "mts"],
        keywords: &[
            "function",
            "class",
            "interface",
            "type",
            "enum",
            "namespace",
        ],
        modifiers: &["export", "default", "async", "abstract", "declare", "const"],
        prefixes: SLASHES,
        ..NONE
    },
    Language {
        name: "go",
        extensions: &["go"],
        keywords: &["func", "type"],
        prefixes: SLASHES,
        ..NONE
    },
    Language {
        name: "java",
        extensions: &["java", "gradle"],
        keywords: &["class", "interface", "enum", "record"],
        modifiers: &[
            "public",
            "protected",
            "private",
            "abstract",
            "final",
            "static",
            "sealed",
        ],
        prefixes: SLASHES,
        nested: true,
        ..NONE
    },
    Language {
        name: "kotlin",
        extensions: &["kt", "kts"],
        keywords: &["fun", "class", "interface", "object"],
        modifiers: &[
            "public",
            "protected",
            "private",
            "internal",
            "abstract",
            "open",
            "final",
            "data",
            "sealed",
            "override",
            "suspend",
            "inline",
            "enum",
        ],
        prefixes: SLASHES,
        nested: true,
        ..NONE
    },
    Language {
        name: "csharp",
        extensions: &["cs"],
        keywords: &[
            "class",
            "interface",
            "enum",
            "record",
            "struct",
            "namespace",
        ],
        modifiers: &[
            "public",
            "protected",
            "private",
            "internal",
            "abstract",
            "sealed",
            "static",
            "partial",
        ],
        prefixes: SLASHES,
        nested: true,
        ..NONE
    },
    Language {
        name: "c",
        extensions: &["c", "h"],
        keywords: &[
            "struct", "enum", "union", "typedef", "void", "int", "char", "static", "#define",
        ],
        prefixes: &["//", "/*", "*"],
        ..NONE
    },
    Language {
        name: "cpp",
        extensions: &["cc", "cpp", "cxx", "hpp"],
        keywords: &[
            "class",
            "struct",
            "enum",
            "union",
            "namespace",
            "template",
            "typedef",
            "void",
            "int",
            "static",
        ],
        prefixes: &["//", "/*", "*"],
        ..NONE
    },
    Language {
        name: "ruby",
        extensions: &["rb"],
        names: &["Gemfile", "Rakefile"],
        interpreters: &["ruby"],
        keywords: &["def", "class", "module"],
        prefixes: &["#"],
        nested: true,
        ..NONE
    },
    Language {
        name: "php",
        extensions: &["php"],
        interpreters: &["php"],
        keywords: &["function", "class", "interface", "trait"],
        modifiers: &[
            "public",
            "protected",
            "private",
            "static",
            "abstract",
            "final",
        ],
        prefixes: &["//", "/*", "*", "#["],
        nested: true,
        ..NONE
    },
    Language {
        name: "swift",
        extensions: &["swift"],
        keywords: &["func", "class", "struct", "enum", "protocol", "extension"],
        modifiers: &[
            "public", "private", "internal", "open", "final", "static", "override",
        ],
        prefixes: SLASHES,
        nested: true,
        ..NONE
    },
    Language {
        name: "scala",
        extensions: &["scala"],
        keywords: &["def", "class", "object", "trait"],
        modifiers: &[
            "private",
            "protected",
            "override",
            "final",
            "sealed",
            "abstract",
            "case",
            "implicit",
        ],
        prefixes: SLASHES,
        nested: true,
        ..NONE
    },
    Language {
        name: "shell",
        extensions: &["sh", "bash", "zsh", "fish"],
        interpreters: &["sh", "bash", "zsh", "dash", "ksh", "fish"],
        keywords: &["function"],
        prefixes: &["#"],
        ..NONE
    },
    Language {
        name: "perl",
        extensions: &["pl", "pm"],
        interpreters: &["perl"],
        keywords: &["sub", "package"],
        prefixes: &["#"],
        ..NONE
    },
    Language {
        name: "lua",
        extensions: &["lua"],
        interpreters: &["lua"],
        keywords: &["function"],
        modifiers: &["local"],
        prefixes: &["--"],
        ..NONE
    },
    Language {
        name: "sql",
        extensions: &["sql"],
        keywords: &["create", "CREATE", "Create"],
        prefixes: &["--"],
        ..NONE
    },
    Language {
        name: "elixir",
        extensions: &["ex", "exs"],
        keywords: &["def", "defp", "defmodule", "defmacro"],
        prefixes: &["#", "@"],
        nested: true,
        ..NONE
    },
    Language {
        name: "julia",
        extensions: &["jl"],
        interpreters: &["julia"],
        keywords: &["function", "struct", "module", "macro"],
        modifiers: &["mutable"],
        prefixes: &["#"],
        ..NONE
    },
    Language {
        name: "zig",
        extensions: &["zig"],
        keywords: &["fn"],
        modifiers: &["pub", "export"],
        prefixes: &["//"],
        nested: true,
        ..NONE
    },
    Language {
        name: "dart",
        extensions: &["dart"],
        keywords: &["class", "enum", "mixin", "extension"],
        modifiers: &["abstract"],
        prefixes: SLASHES,
        ..NONE
    },
    Language {
        name: "protobuf",
        extensions: &["proto"],
        keywords: &["message", "service", "enum"],
        prefixes: SLASHES,
        ..NONE
    },
    Language {
        name: "graphql",
        extensions: &["graphql"],
        keywords: &[
            "type",
            "input",
            "enum",
            "interface",
            "union",
            "query",
            "mutation",
        ],
        prefixes: &["#"],
        ..NONE
    },
    Language {
        name: "terraform",
        extensions: &["tf"],
        keywords: &[
            "resource", "module", "variable", "output", "data", "provider",
        ],
        prefixes: &["#"],
        ..NONE
    },
    Language {
        name: "toml",
        extensions: &["toml"],
        prefixes: &["#"],
        ..NONE
    },
    Language {
        name: "ini",
        extensions: &["ini", "cfg", "conf"],
        prefixes: &["#", ";"],
        ..NONE
    },
    Language {
        name: "yaml",
        extensions: &["yaml", "yml"],
        ..NONE
    },
    Language {
        name: "xml",
        extensions: &["xml", "xsd"],
        ..NONE
    },
    Language {
        name: "css",
        extensions: &["css", "scss"],
        ..NONE
    },
    Language {
        name: "haskell",
        extensions: &["hs"],
        keywords: &["data", "newtype", "class", "instance", "module", "type"],
        prefixes: &["--"],
        ..NONE
    },
    Language {
        name: "ocaml",
        extensions: &["ml"],
        keywords: &["let", "type", "module"],
        prefixes: &["(*"],
        ..NONE
    },
    Language {
        name: "clojure",
        extensions: &["clj"],
        ..NONE
    },
    Language {
        name: "r",
        extensions: &["r"],
        interpreters: &["Rscript"],
        ..NONE
    },
    Language {
        name: "tcl",
        extensions: &["tcl"],
        interpreters: &["tclsh", "wish"],
        keywords: &["proc"],
        prefixes: &["#"],
        ..NONE
    },
    Language {
        name: "powershell",
        extensions: &["ps1"],
        interpreters: &["pwsh"],
        keywords: &["function", "Function"],
        prefixes: &["#"],
        ..NONE
    },
    Language {
        name: "make",
        names: &["Makefile", "makefile", "GNUmakefile"],
        ..NONE
    },
    Language {
        name: "dockerfile",
        names: &["Dockerfile", "Containerfile"],
        ..NONE
    },
];
