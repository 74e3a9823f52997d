//! The little of TwiML that a bot changes its call by: `<Hangup/>`, and `<Dial>` with a number or a SIP URI.
//!
//! `<Response>` holds one verb. Whatever else an instruction would do (attributes of `<Dial>`, what follows it, other verbs) the gateway
//! does not do, and so does not take: a bot that is told that it was done would believe it.

use std::borrow::Cow;

/// What a bot wants done.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Instruction {
    /// End the call.
    Hangup,
    /// Send the caller there: a number or a SIP URI.
    Dial(String),
}

/// Reads instructions; the message says what of them is not done here.
pub(super) fn read(text: &str) -> Result<Instruction, &'static str> {
    let mut rest = text.trim();
    if let Some(declared) = rest.strip_prefix("<?xml") {
        rest = declared.split_once("?>").ok_or(NOT_XML)?.1;
    }
    let mut tokens = Tokens(rest);
    tokens.expect(&Token::Open("Response"))?;
    let instruction = match tokens.next()? {
        Token::Empty("Hangup") => Instruction::Hangup,
        Token::Open("Hangup") => {
            tokens.expect(&Token::Close("Hangup"))?;
            Instruction::Hangup
        }
        Token::Open("Dial") => {
            let target = match tokens.next()? {
                Token::Text(number) => number,
                Token::Open(noun @ ("Number" | "Sip")) => {
                    let Token::Text(target) = tokens.next()? else { return Err(UNSUPPORTED) };
                    tokens.expect(&Token::Close(noun))?;
                    target
                }
                _ => return Err(UNSUPPORTED),
            };
            tokens.expect(&Token::Close("Dial"))?;
            Instruction::Dial(target.into_owned())
        }
        _ => return Err(UNSUPPORTED),
    };
    tokens.expect(&Token::Close("Response"))?;
    if tokens.0.trim().is_empty() { Ok(instruction) } else { Err(NOT_XML) }
}

#[derive(Debug, PartialEq, Eq)]
enum Token<'a> {
    Open(&'a str),
    Close(&'a str),
    Empty(&'a str),
    /// Without the white space around it, entities resolved.
    Text(Cow<'a, str>),
}

struct Tokens<'a>(&'a str);

impl<'a> Tokens<'a> {
    fn next(&mut self) -> Result<Token<'a>, &'static str> {
        self.0 = self.0.trim_start();
        let Some(tag) = self.0.strip_prefix('<') else {
            let end = self.0.find('<').ok_or(NOT_XML)?;
            let (text, rest) = self.0.split_at(end);
            self.0 = rest;
            return Ok(Token::Text(resolved(text.trim_end())?));
        };
        let (tag, rest) = tag.split_once('>').ok_or(NOT_XML)?;
        self.0 = rest;
        if let Some(name) = tag.strip_prefix('/') {
            return Ok(Token::Close(named(name)?));
        }
        match tag.strip_suffix('/') {
            Some(name) => Ok(Token::Empty(named(name)?)),
            None => Ok(Token::Open(named(tag)?)),
        }
    }

    fn expect(&mut self, expected: &Token<'_>) -> Result<(), &'static str> {
        if self.next()? == *expected { Ok(()) } else { Err(UNSUPPORTED) }
    }
}

/// The name of an element without attributes.
fn named(tag: &str) -> Result<&str, &'static str> {
    let name = tag.trim_end();
    if name.is_empty() || name.starts_with('!') {
        return Err(NOT_XML);
    }
    if name.bytes().all(|byte| byte.is_ascii_alphanumeric()) { Ok(name) } else { Err(ATTRIBUTES) }
}

/// The text that entities of XML stand in; there are five, and numbers.
fn resolved(text: &str) -> Result<Cow<'_, str>, &'static str> {
    if !text.contains('&') {
        return Ok(Cow::Borrowed(text));
    }
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, entity)) = rest.split_once('&') {
        plain.push_str(before);
        let (name, after) = entity.split_once(';').ok_or(NOT_XML)?;
        plain.push(match name {
            "amp" => '&',
            "lt" => '<',
            "gt" => '>',
            "quot" => '"',
            "apos" => '\'',
            _ => numbered(name).ok_or(NOT_XML)?,
        });
        rest = after;
    }
    plain.push_str(rest);
    Ok(Cow::Owned(plain))
}

/// The character of a reference by number (XML 1.0 section 4.1): `#43`, or `#x2b` with a small x.
fn numbered(name: &str) -> Option<char> {
    let digits = name.strip_prefix('#')?;
    let (digits, radix) = digits.strip_prefix('x').map_or((digits, 10), |digits| (digits, 16));
    let is_number = !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix));
    let character = is_number.then(|| u32::from_str_radix(digits, radix).ok())?.and_then(char::from_u32)?;
    // A control character is none of XML's, and no part of a number or a URI.
    (!character.is_control()).then_some(character)
}

const NOT_XML: &str = "The TwiML cannot be read.";
const UNSUPPORTED: &str = "Of TwiML this gateway does one <Hangup/>, or one <Dial> of a number or a SIP URI, and nothing else.";
const ATTRIBUTES: &str = "This gateway does nothing that an attribute in TwiML asks for.";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hanging_up_and_dialling_are_understood_as_they_are_written() {
        let dial = |target: &str| Ok(Instruction::Dial(target.to_owned()));
        assert_eq!(read("<Response><Hangup/></Response>"), Ok(Instruction::Hangup));
        assert_eq!(read("<Response><Hangup></Hangup></Response>"), Ok(Instruction::Hangup));
        assert_eq!(
            read("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Response>\n  <Dial>+49 30 901820</Dial>\n</Response>\n"),
            dial("+49 30 901820")
        );
        assert_eq!(read("<Response><Dial><Number> +4930901820 </Number></Dial></Response>"), dial("+4930901820"));
        assert_eq!(
            read("<Response><Dial><Sip>sip:ward@clinic.example;a=1?b=1&amp;c=2</Sip></Dial></Response>"),
            dial("sip:ward@clinic.example;a=1?b=1&c=2")
        );
    }

    #[test]
    fn characters_are_taken_by_their_numbers_too() {
        for written in ["&#43;49&#32;30", "&#x2b;49&#x20;30", "&#x2B;49 30", "&#0043;49 &#x0033;0"] {
            let text = format!("<Response><Dial>{written}</Dial></Response>");
            assert_eq!(read(&text), Ok(Instruction::Dial("+49 30".to_owned())), "{text}");
        }
        for wrong in [
            "&#;",
            "&#x;",
            "&#X2b;",
            "&#+43;",
            "&#x+2b;",
            "&# 43;",
            "&#4_3;",
            "&#2b;",
            "&#0;",
            "&#10;",
            "&#xD800;",
            "&#x110000;",
            "&#99999999999;",
            "&#43",
        ] {
            let text = format!("<Response><Dial>{wrong}</Dial></Response>");
            assert_eq!(read(&text), Err(NOT_XML), "{text}");
        }
    }

    #[test]
    fn what_is_not_done_is_not_taken() {
        for text in [
            "<Response><Say>Goodbye</Say></Response>",
            "<Response><Dial>+4930901820</Dial><Hangup/></Response>",
            "<Response><Dial><Number>+1</Number><Number>+2</Number></Dial></Response>",
            "<Response><Dial><Client>jenny</Client></Dial></Response>",
            "<Response></Response>",
            "<Response/>",
            "<Hangup/>",
        ] {
            assert_eq!(read(text), Err(UNSUPPORTED), "{text}");
        }
        assert_eq!(read("<Response><Dial callerId=\"+49\">+1</Dial></Response>"), Err(ATTRIBUTES));
        for text in
            ["", "Hangup", "<Response><Hangup/>", "<Response><Dial>&x;</Dial></Response>", "<Response><Hangup/></Response>x", "<", "<>"]
        {
            assert_eq!(read(text), Err(NOT_XML), "{text}");
        }
    }
}
