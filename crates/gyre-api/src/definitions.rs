//! The definitions of our kinds, as they are installed. They are generated from the shapes: `cargo xtask crds`.

/// Every definition, as YAML.
pub const DEFINITIONS: [&str; 4] = [
    include_str!("../crds/applications.argoproj.io.yaml"),
    include_str!("../crds/appprojects.argoproj.io.yaml"),
    include_str!("../crds/gitrepositories.source.toolkit.fluxcd.io.yaml"),
    include_str!("../crds/kustomizations.kustomize.toolkit.fluxcd.io.yaml"),
];
