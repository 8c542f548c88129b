//! What must hold for any bytes as a list of properties. The fuzz target checks it, too.

use pmqtt::codec::property::{Kind, property};
use pmqtt::codec::{Place, Properties, PropertyList, Value, var_int};

/// Whether the bytes are a list for the packet. Panics if a list that passed its check cannot be read,
/// or is not what its properties are one by one.
pub fn is_list(bytes: &[u8], place: Place) -> bool {
    let Ok(properties) = Properties::check(bytes, place) else {
        return false;
    };
    let mut again = Vec::new();
    let mut list = PropertyList::default();
    for (id, value) in properties {
        let row = property(id).expect("it was checked");
        assert!(row.is_allowed(place));
        let first = properties.into_iter().find(|(of, _)| *of == id);
        assert_eq!(properties.find(id), first.map(|(_, value)| value));
        let start = again.len();
        write(&mut again, row.kind, id, value);
        append(&mut list, id, value, &again[start..], place);
    }
    assert_eq!(again, bytes);
    assert_eq!(list.get().as_bytes(), bytes);
    true
}

/// A property as section 1.5 writes values of its type.
fn write(out: &mut Vec<u8>, kind: Kind, id: u8, value: Value) {
    out.push(id);
    match (kind, value) {
        (Kind::Byte, Value::Number(number)) => out.push(number.try_into().expect("a byte")),
        (Kind::U16, Value::Number(number)) => {
            let number: u16 = number.try_into().expect("two bytes");
            out.extend(number.to_be_bytes());
        }
        (Kind::U32, Value::Number(number)) => out.extend(number.to_be_bytes()),
        (Kind::VarInt, Value::Number(number)) => out.extend(&*var_int(number as usize)),
        (Kind::Text, Value::Bytes(bytes)) => {
            assert!(str::from_utf8(bytes).is_ok_and(|text| !text.contains('\0')));
            prefixed(out, bytes);
        }
        (Kind::Binary, Value::Bytes(bytes)) => prefixed(out, bytes),
        (Kind::Pair, Value::Pair(name, value)) => {
            assert!(str::from_utf8(name).is_ok() && str::from_utf8(value).is_ok());
            prefixed(out, name);
            prefixed(out, value);
        }
        _ => panic!("{value:?} of type {kind:?}"),
    }
}

fn prefixed(out: &mut Vec<u8>, bytes: &[u8]) {
    out.extend((bytes.len() as u16).to_be_bytes());
    out.extend(bytes);
}

/// Adds a property to a list as the library does.
fn append(list: &mut PropertyList, id: u8, value: Value, bytes: &[u8], place: Place) {
    match value {
        Value::Number(number) => {
            list.number(id, number);
        }
        Value::Bytes(bytes) => {
            list.bytes(id, bytes).expect("it was as long before");
        }
        Value::Pair(..) => {
            let pair = Properties::check(bytes, place).expect("a pair may be alone");
            list.append(pair);
        }
    }
}
