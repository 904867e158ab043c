//! Draws a text as a QR code: SVG that stands in the page, without a script or a request to anybody.

use std::fmt::Write;

use qrcodegen::{QrCode, QrCodeEcc};

/// Blank modules around the code (ISO/IEC 18004, 9.1: four).
const QUIET: i32 = 4;

/// Returns the code, dark on light whatever the colours of the page; `None` if the text is too long for one.
pub(super) fn svg(text: &str) -> Option<String> {
    let code = QrCode::encode_text(text, QrCodeEcc::Medium).ok()?;
    let (size, side) = (code.size(), code.size() + 2 * QUIET);
    let mut path = String::new();
    for y in 0..size {
        let mut x = 0;
        while x < size {
            let start = x;
            while x < size && code.get_module(x, y) {
                x += 1;
            }
            if x > start {
                // Neighbours in a row are drawn as one rectangle, which keeps the page small.
                write!(path, "M{},{}h{}v1h-{}z", start + QUIET, y + QUIET, x - start, x - start).ok()?;
            }
            x += 1;
        }
    }
    Some(format!(
        "<svg class=\"qr\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\" aria-hidden=\"true\">\
         <path fill=\"#fff\" d=\"M0,0h{side}v{side}h-{side}z\"/><path fill=\"#000\" d=\"{path}\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::svg;

    #[test]
    fn a_code_has_its_three_corners_and_a_quiet_zone() {
        let drawn = svg("otpauth://totp/A:b?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=A").expect("short enough");
        assert!(drawn.contains("viewBox=\"0 0 45 45\""), "{drawn}");
        assert!(
            drawn.contains("M4,4h7v1h-7z") && drawn.contains("M34,4h7v1h-7z") && drawn.contains("M4,34h7v1h-7z"),
            "{drawn}"
        );
        assert!(svg(&"x".repeat(4000)).is_none());
    }
}
