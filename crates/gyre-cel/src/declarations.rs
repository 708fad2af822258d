//! The functions that expressions may call, with the types of their overloads.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use crate::types::Type;

/// One way to call a function.
#[derive(Clone, Debug)]
pub(crate) struct Overload {
    pub(crate) member: bool,
    pub(crate) args: Vec<Type>,
    pub(crate) result: Type,
}

/// Name, arguments and result, separated by `:`; a receiver stands before a dot. `A` and `B` are any types.
const TABLE: &str = "
_+_ : int, int : int
_+_ : uint, uint : uint
_+_ : double, double : double
_+_ : string, string : string
_+_ : bytes, bytes : bytes
_+_ : list A, list A : list A
_+_ : timestamp, duration : timestamp
_+_ : duration, timestamp : timestamp
_+_ : duration, duration : duration
_-_ : int, int : int
_-_ : uint, uint : uint
_-_ : double, double : double
_-_ : timestamp, timestamp : duration
_-_ : timestamp, duration : timestamp
_-_ : duration, duration : duration
_*_ : int, int : int
_*_ : uint, uint : uint
_*_ : double, double : double
_/_ : int, int : int
_/_ : uint, uint : uint
_/_ : double, double : double
_%_ : int, int : int
_%_ : uint, uint : uint
-_ : int : int
-_ : double : double
!_ : bool : bool
_&&_ : bool, bool : bool
_||_ : bool, bool : bool
_?_:_ | bool, A, A | A
_==_ : A, A : bool
_!=_ : A, A : bool
@in : A, list A : bool
@in : A, map A B : bool
_[_] : list A, int : A
_[_] : map A B, A : B
_[_] : optional list A, int : optional A
_[_] : optional map A B, A : optional B
_[?_] : list A, int : optional A
_[?_] : map A B, A : optional B
_[?_] : optional list A, int : optional A
_[?_] : optional map A B, A : optional B
bool : bool : bool
bool : string : bool
bytes : bytes : bytes
bytes : string : bytes
double : double : double
double : int : double
double : string : double
double : uint : double
duration : duration : duration
duration : int : duration
duration : string : duration
dyn : A : dyn
int : int : int
int : double : int
int : string : int
int : uint : int
int : timestamp : int
int : duration : int
string : string : string
string : bool : string
string : bytes : string
string : double : string
string : int : string
string : uint : string
string : timestamp : string
string : duration : string
string : ip : string
string : cidr : string
timestamp : timestamp : timestamp
timestamp : int : timestamp
timestamp : string : timestamp
type : A : type A
uint : uint : uint
uint : double : uint
uint : int : uint
uint : string : uint
size : string : int
size : bytes : int
size : list A : int
size : map A B : int
.size : string : int
.size : bytes : int
.size : list A : int
.size : map A B : int
matches : string, string : bool
.matches : string, string : bool
.contains : string, string : bool
.startsWith : string, string : bool
.endsWith : string, string : bool
.getFullYear : timestamp : int
.getFullYear : timestamp, string : int
.getMonth : timestamp : int
.getMonth : timestamp, string : int
.getDayOfYear : timestamp : int
.getDayOfYear : timestamp, string : int
.getDayOfMonth : timestamp : int
.getDayOfMonth : timestamp, string : int
.getDate : timestamp : int
.getDate : timestamp, string : int
.getDayOfWeek : timestamp : int
.getDayOfWeek : timestamp, string : int
.getHours : timestamp : int
.getHours : timestamp, string : int
.getHours : duration : int
.getMinutes : timestamp : int
.getMinutes : timestamp, string : int
.getMinutes : duration : int
.getSeconds : timestamp : int
.getSeconds : timestamp, string : int
.getSeconds : duration : int
.getMilliseconds : timestamp : int
.getMilliseconds : timestamp, string : int
.getMilliseconds : duration : int
.charAt : string, int : string
.indexOf : string, string : int
.indexOf : string, string, int : int
.lastIndexOf : string, string : int
.lastIndexOf : string, string, int : int
.lowerAscii : string : string
.upperAscii : string : string
.trim : string : string
.replace : string, string, string : string
.replace : string, string, string, int : string
.split : string, string : list string
.split : string, string, int : list string
.substring : string, int : string
.substring : string, int, int : string
.join : list string : string
.join : list string, string : string
.format : string, list dyn : string
strings.quote : string : string
optional.of : A : optional A
optional.ofNonZeroValue : A : optional A
optional.none : : optional A
.value : optional A : A
.hasValue : optional A : bool
.or : optional A, optional A : optional A
.orValue : optional A, A : A
sets.contains : list A, list A : bool
sets.equivalent : list A, list A : bool
sets.intersects : list A, list A : bool
lists.range : int : list int
.slice : list A, int, int : list A
.flatten : list list A : list A
.flatten : list dyn, int : list dyn
.distinct : list A : list A
.reverse : list A : list A
.sort : list A : list A
.isSorted : list A : bool
.sum : list int : int
.sum : list uint : uint
.sum : list double : double
.sum : list duration : duration
.min : list int : int
.min : list uint : uint
.min : list double : double
.min : list bool : bool
.min : list string : string
.min : list bytes : bytes
.min : list timestamp : timestamp
.min : list duration : duration
.max : list int : int
.max : list uint : uint
.max : list double : double
.max : list bool : bool
.max : list string : string
.max : list bytes : bytes
.max : list timestamp : timestamp
.max : list duration : duration
.indexOf : list A, A : int
.lastIndexOf : list A, A : int
.find : string, string : string
.findAll : string, string : list string
.findAll : string, string, int : list string
url : string : url
isURL : string : bool
.getScheme : url : string
.getHost : url : string
.getHostname : url : string
.getPort : url : string
.getEscapedPath : url : string
.getQuery : url : map string list string
ip : string : ip
isIP : string : bool
ip.isCanonical : string : bool
.family : ip : int
.isUnspecified : ip : bool
.isLoopback : ip : bool
.isLinkLocalMulticast : ip : bool
.isLinkLocalUnicast : ip : bool
.isGlobalUnicast : ip : bool
cidr : string : cidr
isCIDR : string : bool
.containsIP : cidr, string : bool
.containsIP : cidr, ip : bool
.containsCIDR : cidr, string : bool
.containsCIDR : cidr, cidr : bool
.ip : cidr : ip
.masked : cidr : cidr
.prefixLength : cidr : int
quantity : string : quantity
isQuantity : string : bool
.sign : quantity : int
.isInteger : quantity : bool
.asInteger : quantity : int
.asApproximateFloat : quantity : double
.isGreaterThan : quantity, quantity : bool
.isLessThan : quantity, quantity : bool
.compareTo : quantity, quantity : int
.add : quantity, quantity : quantity
.add : quantity, int : quantity
.sub : quantity, quantity : quantity
.sub : quantity, int : quantity
semver : string : semver
semver : string, bool : semver
isSemver : string : bool
isSemver : string, bool : bool
.major : semver : int
.minor : semver : int
.patch : semver : int
.isGreaterThan : semver, semver : bool
.isLessThan : semver, semver : bool
.compareTo : semver, semver : int
format.named : string : optional format
.validate : format, string : optional list string
";

const ORDERED: [&str; 7] = ["bool", "int", "uint", "double", "string", "bytes", "timestamp"];

/// All functions by name.
pub(crate) fn functions() -> &'static BTreeMap<String, Vec<Overload>> {
    static FUNCTIONS: OnceLock<BTreeMap<String, Vec<Overload>>> = OnceLock::new();
    FUNCTIONS.get_or_init(|| {
        let mut out: BTreeMap<String, Vec<Overload>> = BTreeMap::new();
        for line in TABLE.lines().filter(|line| !line.is_empty()) {
            add(&mut out, line);
        }
        for name in ["_<_", "_<=_", "_>_", "_>=_"] {
            for ty in ORDERED.iter().chain(&["duration"]) {
                add(&mut out, &format!("{name} : {ty}, {ty} : bool"));
            }
            for pair in
                ["int, uint", "int, double", "uint, int", "uint, double", "double, int", "double, uint"]
            {
                add(&mut out, &format!("{name} : {pair} : bool"));
            }
        }
        for name in crate::functions::format::NAMES {
            add(&mut out, &format!("format.{name} : : format"));
        }
        out
    })
}

fn add(out: &mut BTreeMap<String, Vec<Overload>>, line: &str) {
    let mark = if line.contains(" | ") { " | " } else { " :" };
    let mut parts = line.split(mark).map(str::trim);
    let (Some(name), Some(args), Some(result)) = (parts.next(), parts.next(), parts.next()) else { return };
    let args: Vec<Type> = args.split(',').map(str::trim).filter(|it| !it.is_empty()).map(read).collect();
    let plain = name.strip_prefix('.');
    let overload = Overload { member: plain.is_some(), args, result: read(result) };
    out.entry(plain.unwrap_or(name).to_owned()).or_default().push(overload);
}

fn read(text: &str) -> Type {
    read_words(&mut text.split_whitespace())
}

fn read_words<'a>(words: &mut impl Iterator<Item = &'a str>) -> Type {
    let word = words.next().unwrap_or("dyn");
    if let Some(ty) = Type::simple(word) {
        return ty;
    }
    match word {
        "timestamp" => Type::Timestamp,
        "duration" => Type::Duration,
        "list" => Type::list(read_words(words)),
        "map" => Type::map(read_words(words), read_words(words)),
        "optional" => Type::optional(read_words(words)),
        "type" => Type::TypeOf(read_words(words).into()),
        "url" => Type::Opaque("kubernetes.URL"),
        "ip" => Type::Opaque("net.IP"),
        "cidr" => Type::Opaque("net.CIDR"),
        "quantity" => Type::Opaque("kubernetes.Quantity"),
        "semver" => Type::Opaque("kubernetes.Semver"),
        "format" => Type::Opaque("kubernetes.NamedFormat"),
        "A" => Type::Param(0),
        "B" => Type::Param(1),
        _ => Type::Dyn,
    }
}
