use super::{FloatFormat, Value};
use tophash_syntax::ast::{BinaryOp, LitKind, UnaryOp};

fn int(text: &str) -> Value {
    Value::from_literal(LitKind::Int, text.as_bytes())
}

fn float(text: &str) -> Value {
    Value::from_literal(LitKind::Float, text.as_bytes())
}

fn imag(text: &str) -> Value {
    Value::from_literal(LitKind::Imag, text.as_bytes())
}

fn string(text: &str) -> Value {
    Value::from_literal(LitKind::String, text.as_bytes())
}

#[test]
fn integer_literals() {
    for (text, want) in [
        ("0", 0),
        ("42", 42),
        ("1_000_000", 1_000_000),
        ("0x_Ff", 255),
        ("0b1010", 10),
        ("0o17", 15),
        ("017", 15),
        ("0_17", 15),
        ("9223372036854775807", i64::MAX),
        ("0x7fffffffffffffff", i64::MAX),
    ] {
        assert_eq!(int(text), Value::Int(want), "{text}");
    }
    assert!(matches!(int("18446744073709551615"), Value::Big(_)));
    for bad in ["", "0x", "09", "12z", "+1", "-1"] {
        assert_eq!(int(bad), Value::Unknown, "{bad}");
    }
    assert_eq!(int(&"9".repeat(20_000)), Value::Unknown);
}

#[test]
fn float_literals() {
    for (text, want) in [
        ("1e3", 1000),
        ("1.", 1),
        ("0.5e1", 5),
        ("0x1p4", 16),
        ("0x1.8p1", 3),
        ("0e99999999999", 0),
        ("1_0.0", 10),
        ("08.0", 8),
    ] {
        assert_eq!(float(text), Value::Int(want), "{text}");
    }
    assert_eq!(float(".25"), float("0x1p-2"));
    assert_eq!(float("1e999999999"), Value::Unknown);
    assert_eq!(float("1e-999999999"), Value::Unknown);
    assert_eq!(float("1e99999999999999999999"), Value::Unknown);
    assert_eq!(float("."), Value::Unknown);
}

#[test]
fn imaginary_literals() {
    for (text, want) in [
        ("0123i", "123"),
        ("0x10i", "16"),
        ("2i", "2"),
        ("0b11i", "3"),
    ] {
        assert_eq!(imag(text).imag(), int(want), "{text}");
    }
    assert_eq!(imag("1.5i").imag(), float("1.5"));
    assert_eq!(imag("0i"), Value::Int(0));
}

#[test]
fn rune_literals() {
    for (text, want) in [
        ("'a'", 97),
        ("'世'", 0x4e16),
        (r"'\n'", 10),
        (r"'\''", 39),
        (r"'\x7f'", 127),
        (r"'\377'", 255),
        (r"'\u00e4'", 228),
        (r"'\U0001F600'", 0x1f600),
    ] {
        assert_eq!(
            Value::from_literal(LitKind::Char, text.as_bytes()),
            Value::Int(want),
            "{text}"
        );
    }
    for bad in [
        "'",
        "''",
        "'ab'",
        r"'\400'",
        r#"'\"'"#,
        r"'\ud800'",
        r"'\x+1'",
        "a",
    ] {
        let got = Value::from_literal(LitKind::Char, bad.as_bytes());
        assert_eq!(got, Value::Unknown, "{bad}");
    }
}

#[test]
fn string_literals() {
    assert_eq!(
        string(r#""a\tb\x00\u4e16\"""#),
        Value::string("a\tb\0世\"".as_bytes())
    );
    assert_eq!(string(r#""\xff""#), Value::string(&[0xff]));
    assert_eq!(string("`a\\n\r\n`"), Value::string(b"a\\n\n"));
    assert_eq!(string(r#""\'""#), Value::Unknown);
    assert_eq!(string(r#""abc"#), Value::Unknown);
}

#[test]
fn strings_grow_in_length_only() {
    let mut s = Value::string(b"abcd");
    for _ in 0..80 {
        s = s.binary(BinaryOp::Add, &s, false);
    }
    assert_eq!(s.as_text().map(|t| t.len()), Some(u64::MAX));
    assert_eq!(s.compare(BinaryOp::Eql, &s), Value::Unknown);
}

#[test]
fn integers_stay_exact_and_bounded() {
    let max = int("0xffffffffffffffff");
    assert_eq!(
        max.binary(BinaryOp::And, &int("0xff"), true),
        Value::Int(255)
    );
    assert_eq!(max.shift(true, &Value::Int(60)), Value::Int(15));
    assert_eq!(
        Value::Int(1)
            .shift(false, &Value::Int(100))
            .shift(true, &Value::Int(98)),
        Value::Int(4)
    );
    assert_eq!(
        Value::Int(-1).shift(true, &Value::Int(1 << 40)),
        Value::Int(-1)
    );
    assert_eq!(
        Value::Int(1).shift(false, &Value::Int(5000)),
        Value::Unknown
    );
    assert_eq!(Value::Int(1).shift(false, &Value::Int(-1)), Value::Unknown);
    let mut n = int("3");
    for _ in 0..40 {
        n = n.binary(BinaryOp::Mul, &n, true);
    }
    assert_eq!(n, Value::Unknown);
    assert_eq!(
        Value::Int(i64::MIN).unary(UnaryOp::Minus, None),
        int("9223372036854775808")
    );
    assert_eq!(
        Value::Int(i64::MIN).binary(BinaryOp::Quo, &Value::Int(-1), true),
        int("9223372036854775808")
    );
    assert_eq!(
        Value::Int(1).binary(BinaryOp::Quo, &Value::Int(0), true),
        Value::Unknown
    );
    assert_eq!(
        Value::Int(1).binary(BinaryOp::Rem, &Value::Int(0), true),
        Value::Unknown
    );
    assert_eq!(
        Value::Int(1).binary(BinaryOp::Quo, &Value::Int(0), false),
        Value::Unknown
    );
    assert_eq!(Value::Int(0).unary(UnaryOp::Xor, Some(64)), max);
    assert_eq!(Value::Int(5).unary(UnaryOp::Xor, None), Value::Int(-6));
    assert_eq!(
        Value::Int(-7).binary(BinaryOp::Quo, &Value::Int(2), true),
        Value::Int(-3)
    );
    assert_eq!(
        Value::Int(-7).binary(BinaryOp::Rem, &Value::Int(2), true),
        Value::Int(-1)
    );
    assert_eq!(
        Value::Int(6).binary(BinaryOp::AndNot, &Value::Int(3), true),
        Value::Int(4)
    );
}

#[test]
fn division_follows_the_type() {
    let half = Value::Int(1).binary(BinaryOp::Quo, &Value::Int(2), false);
    assert_eq!(half, float("0.5"));
    assert_eq!(
        half.binary(BinaryOp::Mul, &Value::Int(4), false),
        Value::Int(2)
    );
    let eps = float("0.1").binary(BinaryOp::Add, &float("0.2"), false);
    assert_eq!(eps.compare(BinaryOp::Eql, &float("0.3")), Value::Bool(true));
}

#[test]
fn fractions_are_rounded_when_they_get_long() {
    let third = Value::Int(1).binary(BinaryOp::Quo, &Value::Int(3), false);
    let mut x = third.clone();
    for _ in 0..1300 {
        x = x.binary(BinaryOp::Mul, &third, false);
    }
    assert!(matches!(x, Value::Ratio(_)), "{x:?}");
}

#[test]
fn sized_integers() {
    assert!(Value::Int(-128).to_sized_int(8, true).is_some());
    assert!(Value::Int(128).to_sized_int(8, true).is_none());
    assert!(Value::Int(255).to_sized_int(8, false).is_some());
    assert!(Value::Int(-1).to_sized_int(64, false).is_none());
    assert!(Value::Int(i64::MIN).to_sized_int(64, true).is_some());
    assert!(
        int("18446744073709551615")
            .to_sized_int(64, false)
            .is_some()
    );
    assert!(
        int("18446744073709551616")
            .to_sized_int(64, false)
            .is_none()
    );
    assert!(int("18446744073709551615").to_sized_int(64, true).is_none());
    assert!(float("1.5").to_sized_int(64, true).is_none());
    assert_eq!(Value::Unknown.to_sized_int(8, true), Some(Value::Unknown));
}

#[test]
fn sized_floats() {
    let tenth = float("0.1").to_sized_float(FloatFormat::Double);
    // The double nearest to 0.1, written out.
    assert_eq!(
        tenth,
        Some(float(
            "0.1000000000000000055511151231257827021181583404541015625"
        ))
    );
    assert_eq!(
        int("16777217").to_sized_float(FloatFormat::Single),
        Some(int("16777216"))
    );
    assert_eq!(float("1e39").to_sized_float(FloatFormat::Single), None);
    let max = float("0x1p1023").binary(BinaryOp::Mul, &float("0x1.fffffffffffffp0"), false);
    assert_eq!(max.to_sized_float(FloatFormat::Double), Some(max.clone()));
    assert_eq!(float("0x1p1024").to_sized_float(FloatFormat::Double), None);
    let tiny = float("0x1p-1022").binary(BinaryOp::Mul, &float("0x1p-52"), false);
    assert_eq!(tiny.to_sized_float(FloatFormat::Double), Some(tiny.clone()));
    assert_eq!(
        float("1e-400").to_sized_float(FloatFormat::Double),
        Some(Value::Int(0))
    );
    assert_eq!(Value::Bool(true).to_sized_float(FloatFormat::Double), None);
}

#[test]
fn complex_arithmetic() {
    let i = imag("1i");
    assert_eq!(i.binary(BinaryOp::Mul, &i, false), Value::Int(-1));
    assert_eq!(i.binary(BinaryOp::Quo, &i, false), Value::Int(1));
    assert_eq!(i.compare(BinaryOp::Eql, &Value::Int(1)), Value::Bool(false));
    assert_eq!(i.compare(BinaryOp::Neq, &Value::Unknown), Value::Unknown);
    assert!(i.to_sized_complex(FloatFormat::Double).is_some());
    assert!(i.to_sized_float(FloatFormat::Double).is_none());
}

#[test]
fn code_points() {
    assert_eq!(Value::Int(65).to_code_point(), Value::string(b"A"));
    assert_eq!(
        Value::Int(-1).to_code_point(),
        Value::string("\u{fffd}".as_bytes())
    );
    assert_eq!(Value::Unknown.to_code_point(), Value::Unknown);
}
