//! The codes of everything worth telling about a text: faults, and places where RELION would read otherwise.

/// What RELION makes of it; the one scale of all that is told, findings of sets and projects included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// RELION stops, or the text cannot be read.
    Fatal,
    /// RELION goes on with other values or fewer rows, without a word.
    Silent,
    /// Likely a mistake.
    Warning,
    /// Worth knowing all the same.
    Note,
}

impl Severity {
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Fatal => "fatal",
            Self::Silent => "silent",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

macro_rules! codes {
    ($($id:ident $variant:ident $severity:ident $name:literal $message:literal $relion:literal
        $mend:literal)*) => {
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
            /// How bad it is in general; of one case [`Diagnostic::severity`] knows more.
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
            /// What can be done about it.
            #[must_use]
            pub fn mend(self) -> &'static str {
                match self { $(Self::$variant => $mend),* }
            }
        }
    };
}

// Second digit: 1 = read, and reported; 2 = a fault (raises, or is collected).
codes! {
    L101 CrLf Fatal "crlf-line-ends" "lines end in CR LF; the CR is taken as part of the line end" "aborts when such a line stands above or in the header of a block that it looks for by name; in lists takes the CR as part of the value" "end lines in LF alone, as dos2unix does"
    L102 CrOnly Fatal "cr-line-ends" "lines end in a lone CR; it is taken as the line end" "sees one endless line" "end lines in LF, as mac2unix does"
    L103 ByteOrderMark Note "byte-order-mark" "the text begins with a UTF-8 byte order mark, which is skipped" "ignores it before the first block's header" "nothing need be done"
    L104 ControlCharacter Silent "control-character" "a control character inside a value is kept" "deletes vertical tabs, form feeds, backspaces and bells from rows" "take the character out of the value"
    L105 NulByte Silent "nul-byte" "a NUL byte inside a value is kept" "ends the number, the vector or the whole loop there" "take the NUL out, and look what damaged the file"
    L106 InvalidUtf8 Note "invalid-utf8" "bytes that are not UTF-8" "keeps the bytes as they are" "write the text in UTF-8, if others are to read it"
    L107 CrLfHarmless Note "crlf-harmless" "lines end in CR LF, all below the last block's header" "reads the same there; it aborts once a block is written below" "end lines in LF alone, before a block is added"
    L108 LoneCr Silent "carriage-return" "a CR inside a line separates words, or is kept between quotes" "deletes it from rows, which joins the words; elsewhere takes it as a letter" "take the CR out of the line"
    L201 NotStar Warning "not-star" "text before the first block that is neither blank nor a comment" "ignores it" "take the text out, or begin it with #"
    B101 BlockNameComment Silent "comment-in-block-name" "a comment after the block's name is not part of the name" "takes the comment as part of the name, so the block is not found by its name" "put the comment on a line of its own"
    B102 BlockNameBlanks Silent "blanks-at-block-name" "a blank before the block's name, or a tab after it, is not part of the name" "takes it as part of the name, so the block is not found by its name" "take the blank out"
    B103 KeywordCase Silent "keyword-case" "a keyword not in lower case is taken as the keyword" "does not recognise it" "write data_ and loop_ in lower case"
    B104 MissingDataHeader Silent "missing-data-header" "content before any data_ line is read as a block without a name" "finds nothing" "put a line with data_ and a name above"
    B105 DuplicateBlock Silent "duplicate-block" "several blocks have this name; all are kept, the name gives the first" "reaches only the first by its name" "give each block a name of its own"
    B106 EmptyBlock Silent "empty-block" "a block without content, and a loop_ follows before a list" "returns that loop under this name" "leave the empty block out"
    B107 KeywordInComment Silent "keyword-in-comment" "a comment holds data_ or loop_; it stays a comment" "takes the comment's line as that keyword" "take data_ and loop_ out of the comment"
    B108 KeywordInValue Silent "keyword-in-value" "a value or label holds data_ or loop_ where RELION looks for keywords; it stays what it is" "takes the line as that keyword" "rename what holds data_ or loop_, or the block"
    B109 SeveralTables Silent "several-tables" "the block holds more than one list or loop; all are kept" "reads only the first" "give each table a block of its own"
    B110 IndentedList Silent "indented-list" "all labels of the list are indented" "does not see the list; returns the next loop under this name" "begin the lines of labels in the first column"
    B111 LoopWithoutRows Fatal "loop-without-rows" "a loop without rows is followed by more" "reads the next lines as rows, and mostly aborts" "leave the loop out, or put it at the end of the file"
    B112 BlockAfterRows Fatal "block-after-rows" "a keyword line follows the last row without a blank line between" "reads the line as a row, and mostly aborts" "put a blank line below the last row"
    B113 VersionUnreadable Note "version-unreadable" "a version comment without a number" "takes version 0" "write a number, such as # version 50001"
    B114 ContentInHeader Silent "content-in-header" "a label or loop_ on a block's header line is part of the block's name" "takes it as part of the name too" "put label or loop_ on a line of its own"
    B115 HeaderWithin Silent "header-within-word" "a word that holds data_, right above loop_ or a label, is taken as a block's header" "takes any line that holds data_ as a header, but not within a list" "put the header on a line of its own, or quote the value"
    B201 UnsupportedKeyword Warning "unsupported-keyword" "save_, stop_ and global_ belong to other dialects" "takes the line as a row or ignores it" "take the line out: RELION has data_ and loop_ alone"
    H101 LabelExtraText Silent "label-extra-text" "text after a label is ignored" "takes the text as part of the label, which becomes unknown" "take the text out, or put # before it"
    H102 NumberGlued Silent "number-glued" "a column number or comment is glued to the label; the label is cut before it" "in loops cuts the label's last letter too, in lists cuts nothing, so the label becomes unknown" "put a blank before the #"
    H103 DuplicateLabel Fatal "duplicate-label" "a label occurs twice; both are kept, one under a name with a number" "aborts on rows with a value for each, or keeps the last" "leave one of the columns out"
    H104 LabelsOnLoopLine Silent "labels-on-loop-line" "labels on the loop_ line are taken as labels" "ignores them" "put each label on a line of its own"
    H105 LabelCase Silent "label-case" "a label that differs from one of RELION's only in case is unknown" "does not know the label" "write the label as RELION does"
    H106 UnknownLabel Note "unknown-label" "a label that RELION does not know; its type is inferred" "keeps it as text" "nothing need be done, if RELION is not to use the column"
    H107 SemicolonComment Note "semicolon-comment" "a line beginning with a semicolon is taken as a comment" "ignores the line too" "begin comments with #"
    H108 CommentColumn Note "comment-column" "rlnComment is a column here" "writes it back as a trailing comment without a label" "nothing need be done"
    H109 SortedIndex Note "sorted-index" "rlnSortedIndex is kept" "never writes it back" "nothing need be done"
    H110 LabelAtEnd Fatal "label-at-end" "the file ends on a label line without a line end" "takes the label for a row, or aborts" "end the last line with a line end"
    H111 ManyLabelsOnLine Silent "many-labels-on-line" "several labels on one line are taken as several labels" "takes them as one unknown label" "put each label on a line of its own"
    H112 RepeatedUnknown Note "repeated-unknown-label" "a label that RELION does not know occurs twice; both are kept, one under a name with a number" "keeps both" "rename one of the columns"
    H201 EmptyLabel Fatal "empty-label" "a label needs a name" "aborts" "give the label a name, or take the line out"
    H202 LoopWithoutLabels Fatal "loop-without-labels" "a loop needs labels" "reads nothing or aborts" "add labels, or take loop_ out"
    R101 RowsAfterBlank Silent "rows-after-blank" "rows go on after a blank line" "drops every row after the blank line" "take the blank line out"
    R102 CommentAmongRows Fatal "comment-among-rows" "a comment line stands among the rows" "aborts, or makes a row of defaults when there are one or two labels" "move the comment above loop_"
    R103 CommentedRow Note "commented-row" "a comment line before the rows looks like a row whose first value begins with #" "ignores the line too" "quote the value, if it is a row"
    R104 WrappedRow Fatal "wrapped-row" "a row is spread over several lines" "aborts, or makes several rows of it" "put each row on one line"
    R105 TextField Fatal "text-field" "a value is given as a semicolon text field" "has no text fields; aborts or reads its lines as rows" "put the value on the line of its row, in quotes"
    R106 KeywordRow Note "keyword-row" "a row begins with a keyword or an underscore; it is kept as a row" "keeps the row too; other readers do not" "quote the value, if others are to read the file"
    R107 ExtraWords Note "extra-words" "words after a list's value are ignored" "ignores them too" "quote the value, if the words belong to it"
    R108 ValueOnNextLine Fatal "value-on-next-line" "a list's value stands on the line after its label" "aborts" "put the value on the line of its label"
    R109 SemicolonRow Silent "semicolon-row" "rows that come first begin with a semicolon" "skips them as comments" "quote the value that begins with a semicolon"
    R201 RowLength Fatal "row-length" "a row has not as many values as there are labels" "aborts, or fills the row with defaults when there are one or two labels" "give the row a value for each label; quote what holds blanks"
    R202 JunkLine Warning "junk-line" "a line that is neither label, value, comment nor keyword" "ignores it" "take the line out, or begin it with #"
    R203 ValueMissing Fatal "value-missing" "a label in a list has no value" "aborts" "add the value, two quotes if it is empty"
    Q101 BlanksInQuotes Silent "blanks-in-quotes" "runs of blanks or tabs inside quotes are kept" "makes one blank of them in rows" "use no runs of blanks in values"
    Q102 BellEscape Fatal "bell-escape" "a quote after a BEL character is taken as part of the value, as RELION writes it" "cannot read its own escape in rows, and aborts" "use another quote around the value, or none in it"
    Q201 UnclosedQuote Fatal "unclosed-quote" "a quoted value does not end on its line" "aborts" "add the closing quote"
    V101 NotFinite Silent "not-finite" "nan and inf are read as such" "reads 0" "put a number there"
    V102 NullMarker Silent "null-marker" "a marker for a missing value in a column that is not text is read as null" "reads 0, false or an empty vector" "put a number there, or leave the column out"
    V103 IntegerExponent Silent "integer-exponent" "an integer written with an exponent is read exactly" "reads only the digits before the exponent" "write the digits of the integer"
    V104 BoolWord Silent "bool-word" "true, yes, false and no are read as booleans" "reads false for every word" "write 1 or 0"
    V105 FloatOverflow Silent "float-overflow" "a number beyond the range of a double is read as infinite" "reads the largest finite double" "put a number in the range of a double there"
    V106 BoolNumber Note "bool-number" "a number other than 0 and 1 in a boolean column is read as true" "reads true as well" "write 1"
    V107 TextFallback Silent "text-fallback" "a value does not fit the column's type; the whole column is given as text" "reads 0 or a part of the value" "put a value of the column's type there"
    V108 RewrittenUnquoted Note "rewritten-unquoted" "an unknown label in a list has a value that needs quotes" "writes it back without quotes" "nothing need be done, if RELION is not to write the file"
    V109 ItemTooLong Silent "item-too-long" "an item beyond 32 bits in a vector of integers is read exactly" "reads the nearest number of 32 bits" "put a number of 32 bits there"
    F101 SymbolicLink Note "symbolic-link" "a symbolic link; archives are walked without following links" "follows it" "index the folder that it leads to, if it is of interest"
    F102 NotRegular Warning "not-regular" "a FIFO, socket or device named like a STAR file; it is not opened" "opens it, and may wait for ever" "remove it, or give it another name"
    F103 ReferenceOutside Warning "reference-outside" "a file that is named here lies outside of the archive; it is not looked at" "opens it" "bring the file into the project, or check or index a folder above both"
    F104 ReferenceMissing Warning "reference-missing" "a file that is named here is not there" "stops where it needs it" "bring the file back, or name another"
    F105 Unstable Warning "unstable" "the file changed while it was read, twice; the next crawl reads it again" "reads what is there in that moment" "check it again when nothing writes to it"
    F201 Unreadable Fatal "unreadable" "the file or folder cannot be read" "cannot read it either" "look at its permissions, and whether it is damaged"
    F202 WorkerLost Fatal "worker-lost" "each worker that read this folder was lost: it needs more memory than they have, or reading it crashes" "is not concerned" "give workers more memory, and look at the folder's files"
    F203 FolderClosed Fatal "folder-closed" "this folder cannot be listed" "cannot list it either" "look at the folder's permissions, and whether its disk is there"
    F204 NotChecked Fatal "not-checked" "this could not be checked, since tomoset itself failed" "is not concerned" "report it with these words, unless they tell the cause; the rest is checked"
    V201 BadValue Silent "bad-value" "a value does not fit the column's type" "reads 0 or a part of the value" "put a value of the column's type there"
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

impl Diagnostic {
    #[must_use]
    pub fn severity(&self) -> Severity {
        match self.code {
            // One of RELION's is meant, and RELION takes the default for what it says.
            Code::UnknownLabel if self.detail.is_some() => Severity::Silent,
            code => code.severity(),
        }
    }
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
