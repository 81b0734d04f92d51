//! One row: the place in objects of a kind that names another object.

/// The place in objects of a kind that names another object.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Row {
    /// What names.
    pub(crate) of: Of,
    /// Where: a JSON pointer, in the spec of its pods where [`Of::Pods`] says so. The step `*` stands
    /// for each entry, `*Ref` for each field whose name ends like that, and `@` for each container.
    ///
    /// There stands a name, or an object with a `name`, `secretName` or `claimName`; its `key`, its
    /// `items`, its `port`, its `namespace`, its `kind` and its `optional` mean what they mean in
    /// Kubernetes.
    pub(crate) at: &'static str,
    /// What is named.
    pub(crate) to: To,
    /// Whether what is named comes first.
    pub(crate) bearing: Bearing,
    /// What it means where it is not there.
    pub(crate) weight: Weight,
    /// The port of the Service where none is said.
    pub(crate) default_port: Option<i64>,
}

/// What names other objects.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of {
    /// The pods of whatever makes them.
    Pods,
    /// Custom resources that make no pods by a template of their own.
    Custom,
    /// All kinds of a group.
    Group(&'static str),
    /// One kind: group and name.
    Kind(&'static str, &'static str),
}

/// What is named: group and kind.
#[derive(Debug, Clone, Copy)]
pub(crate) enum To {
    /// In the same namespace.
    Own(&'static str, &'static str),
    /// Of the cluster as a whole.
    Cluster(&'static str, &'static str),
    /// In the namespace that is said, else in the same: also `NAMESPACE/NAME`.
    Beside(&'static str, &'static str),
    /// In this namespace.
    In(&'static str, &'static str, &'static str),
    /// As `kind` says: this one, or the one of the cluster that is called `Cluster…`.
    Either(&'static str, &'static str),
    /// A key of it: where nothing but a name and a key stands.
    Keyed(&'static str),
    /// As `apiGroup` or `apiVersion`, and `kind`, say.
    Any,
}

/// Whether what is named comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Bearing {
    /// It may come at any time.
    Unordered,
    /// It comes first.
    Ordered,
    /// What names it cannot exist without it: the API server refuses it, or a controller deletes it.
    Vital,
}

/// What it means where something that is named is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Nothing.
    None,
    /// What names it may go well all the same: why, as a fragment.
    Unsure(&'static str),
    /// What names it does not work.
    Sure,
    /// The pods that name it do not start.
    Blocks,
}

/// A row for what comes first and without which what names it does not work.
pub(super) const fn row(of: Of, at: &'static str, to: To) -> Row {
    Row {
        of,
        at,
        to,
        bearing: Bearing::Ordered,
        weight: match of {
            Of::Pods => Weight::Blocks,
            _ => Weight::Sure,
        },
        default_port: None,
    }
}

impl Row {
    pub(super) const fn vital(self) -> Self {
        Self {
            bearing: Bearing::Vital,
            ..self
        }
    }

    pub(super) const fn unordered(self) -> Self {
        Self {
            bearing: Bearing::Unordered,
            ..self
        }
    }

    pub(super) const fn weighs(self, weight: Weight) -> Self {
        Self { weight, ..self }
    }

    pub(super) const fn unsure(self, why: &'static str) -> Self {
        self.weighs(Weight::Unsure(why))
    }

    pub(super) const fn port(self, default: i64) -> Self {
        Self {
            default_port: Some(default),
            ..self
        }
    }
}
