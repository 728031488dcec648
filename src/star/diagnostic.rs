//! The codes of everything worth telling about a text: faults, and places where RELION would read otherwise.

/// How bad it is for somebody who hands the file to RELION.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// RELION aborts, or the text cannot be read at all.
    Error,
    /// RELION reads something else, without a word.
    Warning,
    /// Both read the same; worth knowing all the same.
    Note,
}

impl Severity {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($id:ident $variant:ident $severity:ident $name:literal $message:literal $relion:literal)*) => {
        /// A stable code; `docs/format.md` lists them all.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code { $($variant),* }

        impl Code {
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The code as people write it, for instance `R101`.
            #[must_use]
            pub fn id(self) -> &'static str {
                match self { $(Self::$variant => stringify!($id)),* }
            }
            /// A short name, for instance `rows-after-blank`.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self { $(Self::$variant => $name),* }
            }
            #[must_use]
            pub fn severity(self) -> Severity {
                match self { $(Self::$variant => Severity::$severity),* }
            }
            /// What is there and how it is read here, in one sentence.
            #[must_use]
            pub fn message(self) -> &'static str {
                match self { $(Self::$variant => $message),* }
            }
            /// What RELION 5 does with it.
            #[must_use]
            pub fn relion(self) -> &'static str {
                match self { $(Self::$variant => $relion),* }
            }
        }
    };
}

// Second digit: 1 = read, and reported; 2 = a fault (raises, or is collected).
codes! {
    L101 CrLf Error "crlf-line-ends" "lines end in CR LF; the CR is taken as part of the line end" "aborts when such a line stands above or in the header of a block that it looks for by name; in lists takes the CR as part of the value"
    L102 CrOnly Error "cr-line-ends" "lines end in a lone CR; it is taken as the line end" "sees one endless line"
    L103 ByteOrderMark Note "byte-order-mark" "the text begins with a UTF-8 byte order mark, which is skipped" "ignores it before the first block's header"
    L104 ControlCharacter Warning "control-character" "a control character inside a value is kept" "deletes vertical tabs, form feeds, backspaces and bells from rows"
    L105 NulByte Warning "nul-byte" "a NUL byte inside a value is kept" "ends the number, the vector or the whole loop there"
    L106 InvalidUtf8 Note "invalid-utf8" "bytes that are not UTF-8" "keeps the bytes as they are"
    L107 CrLfHarmless Note "crlf-harmless" "lines end in CR LF, all below the last block's header" "reads the same there; it aborts once a block is written below"
    L108 LoneCr Warning "carriage-return" "a CR inside a line separates words, or is kept between quotes" "deletes it from rows, which joins the words; elsewhere takes it as a letter"
    L201 NotStar Error "not-star" "text before the first block that is neither blank nor a comment" "ignores it"
    B101 BlockNameComment Warning "comment-in-block-name" "a comment after the block's name is not part of the name" "takes the comment as part of the name, so the block is not found by its name"
    B102 BlockNameBlanks Warning "blanks-at-block-name" "a blank before the block's name, or a tab after it, is not part of the name" "takes it as part of the name, so the block is not found by its name"
    B103 KeywordCase Warning "keyword-case" "a keyword not in lower case is taken as the keyword" "does not recognise it"
    B104 MissingDataHeader Warning "missing-data-header" "content before any data_ line is read as a block without a name" "finds nothing"
    B105 DuplicateBlock Warning "duplicate-block" "several blocks have this name; all are kept, the name gives the first" "reaches only the first by its name"
    B106 EmptyBlock Warning "empty-block" "a block without content, and a loop_ follows before a list" "returns that loop under this name"
    B107 KeywordInComment Warning "keyword-in-comment" "a comment holds data_ or loop_; it stays a comment" "takes the comment's line as that keyword"
    B108 KeywordInValue Warning "keyword-in-value" "a value or label holds data_ or loop_ where RELION looks for keywords; it stays what it is" "takes the line as that keyword"
    B109 SeveralTables Warning "several-tables" "the block holds more than one list or loop; all are kept" "reads only the first"
    B110 IndentedList Warning "indented-list" "all labels of the list are indented" "does not see the list; returns the next loop under this name"
    B111 LoopWithoutRows Error "loop-without-rows" "a loop without rows is followed by more" "reads the next lines as rows, and mostly aborts"
    B112 BlockAfterRows Error "block-after-rows" "a keyword line follows the last row without a blank line between" "reads the line as a row, and mostly aborts"
    B113 VersionUnreadable Note "version-unreadable" "a version comment without a number" "takes version 0"
    B114 ContentInHeader Note "content-in-header" "a label or loop_ on a block's header line is part of the block's name" "takes it as part of the name too"
    B115 HeaderWithin Warning "header-within-word" "a word that holds data_, right above loop_ or a label, is taken as a block's header" "takes any line that holds data_ as a header, but not within a list"
    B201 UnsupportedKeyword Error "unsupported-keyword" "save_, stop_ and global_ belong to other dialects" "takes the line as a row or ignores it"
    H101 LabelExtraText Warning "label-extra-text" "text after a label is ignored" "takes the text as part of the label, which becomes unknown"
    H102 NumberGlued Warning "number-glued" "a column number or comment is glued to the label; the label is cut before it" "in loops cuts the label's last letter too, in lists cuts nothing, so the label becomes unknown"
    H103 DuplicateLabel Error "duplicate-label" "a label occurs twice; both are kept, one under a name with a number" "aborts on rows with a value for each, or keeps the last"
    H104 LabelsOnLoopLine Warning "labels-on-loop-line" "labels on the loop_ line are taken as labels" "ignores them"
    H105 LabelCase Warning "label-case" "a label that differs from one of RELION's only in case is unknown" "does not know the label"
    H106 UnknownLabel Note "unknown-label" "a label that RELION does not know; its type is inferred" "keeps it as text"
    H107 SemicolonComment Note "semicolon-comment" "a line beginning with a semicolon is taken as a comment" "ignores the line too"
    H108 CommentColumn Note "comment-column" "rlnComment is a column here" "writes it back as a trailing comment without a label"
    H109 SortedIndex Note "sorted-index" "rlnSortedIndex is kept" "never writes it back"
    H110 LabelAtEnd Error "label-at-end" "the file ends on a label line without a line end" "takes the label for a row, or aborts"
    H111 ManyLabelsOnLine Warning "many-labels-on-line" "several labels on one line are taken as several labels" "takes them as one unknown label"
    H112 RepeatedUnknown Note "repeated-unknown-label" "a label that RELION does not know occurs twice; both are kept, one under a name with a number" "keeps both"
    H201 EmptyLabel Error "empty-label" "a label needs a name" "aborts"
    H202 LoopWithoutLabels Error "loop-without-labels" "a loop needs labels" "reads nothing or aborts"
    R101 RowsAfterBlank Warning "rows-after-blank" "rows go on after a blank line" "drops every row after the blank line"
    R102 CommentAmongRows Error "comment-among-rows" "a comment line stands among the rows" "aborts, or makes a row of defaults when there are one or two labels"
    R103 CommentedRow Note "commented-row" "a comment line before the rows looks like a row whose first value begins with #" "ignores the line too"
    R104 WrappedRow Error "wrapped-row" "a row is spread over several lines" "aborts, or makes several rows of it"
    R105 TextField Error "text-field" "a value is given as a semicolon text field" "has no text fields; aborts or reads its lines as rows"
    R106 KeywordRow Note "keyword-row" "a row begins with a keyword or an underscore; it is kept as a row" "keeps the row too; other readers do not"
    R107 ExtraWords Note "extra-words" "words after a list's value are ignored" "ignores them too"
    R108 ValueOnNextLine Error "value-on-next-line" "a list's value stands on the line after its label" "aborts"
    R109 SemicolonRow Warning "semicolon-row" "rows that come first begin with a semicolon" "skips them as comments"
    R201 RowLength Error "row-length" "a row has not as many values as there are labels" "aborts, or fills the row with defaults when there are one or two labels"
    R202 JunkLine Error "junk-line" "a line that is neither label, value, comment nor keyword" "ignores it"
    R203 ValueMissing Error "value-missing" "a label in a list has no value" "aborts"
    Q101 BlanksInQuotes Warning "blanks-in-quotes" "runs of blanks or tabs inside quotes are kept" "makes one blank of them in rows"
    Q102 BellEscape Error "bell-escape" "a quote after a BEL character is taken as part of the value, as RELION writes it" "cannot read its own escape in rows, and aborts"
    Q201 UnclosedQuote Error "unclosed-quote" "a quoted value does not end on its line" "aborts"
    V101 NotFinite Warning "not-finite" "nan and inf are read as such" "reads 0"
    V102 NullMarker Warning "null-marker" "a marker for a missing value in a column that is not text is read as null" "reads 0, false or an empty vector"
    V103 IntegerExponent Warning "integer-exponent" "an integer written with an exponent is read exactly" "reads only the digits before the exponent"
    V104 BoolWord Warning "bool-word" "true, yes, false and no are read as booleans" "reads false for every word"
    V105 FloatOverflow Warning "float-overflow" "a number beyond the range of a double is read as infinite" "reads the largest finite double"
    V106 BoolNumber Note "bool-number" "a number other than 0 and 1 in a boolean column is read as true" "reads true as well"
    V107 TextFallback Error "text-fallback" "a value does not fit the column's type; the whole column is given as text" "reads 0 or a part of the value"
    V108 RewrittenUnquoted Note "rewritten-unquoted" "an unknown label in a list has a value that needs quotes" "writes it back without quotes"
    V109 ItemTooLong Warning "item-too-long" "an item beyond 32 bits in a vector of integers is read exactly" "reads the nearest number of 32 bits"
    F101 SymbolicLink Note "symbolic-link" "a symbolic link; archives are walked without following links" "follows it"
    F102 NotRegular Warning "not-regular" "a FIFO, socket or device named like a STAR file; it is not opened" "opens it, and may wait for ever"
    F103 ReferenceOutside Warning "reference-outside" "a file that is named here lies outside of the archive; it is not looked at" "opens it"
    F104 ReferenceMissing Warning "reference-missing" "a file that is named here is not there" "stops where it needs it"
    F105 Unstable Warning "unstable" "the file changed while it was read, twice; the next crawl reads it again" "reads what is there in that moment"
    F201 Unreadable Error "unreadable" "the file or folder cannot be read" "cannot read it either"
    V201 BadValue Error "bad-value" "a value does not fit the column's type" "reads 0 or a part of the value"
}

/// One thing worth telling; equal ones within a block and label are counted, not repeated.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnostic {
    pub code: Code,
    /// Byte offset of the first place.
    pub offset: u64,
    /// How many places there are.
    pub count: u64,
    pub block: Option<String>,
    pub label: Option<String>,
    /// Words for this very case, where the code's message is not enough.
    pub detail: Option<String>,
}

/// A place noted while scanning; it becomes a [`Diagnostic`] once its block is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    pub code: Code,
    pub offset: u64,
    pub count: u64,
}

/// Events with equal codes counted together, each at its first place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Events(Vec<Event>);

impl Events {
    pub fn add(&mut self, code: Code, offset: u64) {
        self.add_many(Event { code, offset, count: 1 });
    }

    pub fn add_many(&mut self, event: Event) {
        match self.0.iter_mut().find(|known| known.code == event.code) {
            Some(known) => {
                known.count += event.count;
                known.offset = known.offset.min(event.offset);
            }
            None => self.0.push(event),
        }
    }

    pub fn extend(&mut self, other: &Events) {
        for event in &other.0 {
            self.add_many(*event);
        }
    }

    /// Counts what was noted under one code under another.
    pub fn turn(&mut self, from: Code, to: Code) {
        if let Some(index) = self.0.iter().position(|event| event.code == from) {
            let event = self.0.swap_remove(index);
            self.add_many(Event { code: to, ..event });
        }
    }

    #[must_use]
    pub fn has(&self, code: Code) -> bool {
        self.0.iter().any(|event| event.code == code)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Event> {
        self.0.iter()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
