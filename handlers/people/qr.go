package people

import (
	"fmt"
	"image/color"
	"strings"

	"github.com/boombuler/barcode/qr"

	"cxseal/web"
)

// qrCode draws a text as the dark squares of a QR code, each row's runs as
// rectangles of one path, with the quiet zone of four that scanners ask for.
func qrCode(text string) (web.QR, error) {
	code, err := qr.Encode(text, qr.M, qr.Auto)
	if err != nil {
		return web.QR{}, err
	}
	const quiet = 4
	size := code.Bounds().Dx()
	var path strings.Builder
	dark := func(x, y int) bool { return x < size && color.GrayModel.Convert(code.At(x, y)).(color.Gray).Y < 128 }
	for y := range size {
		for x := 0; x < size; x++ {
			run := 0
			for dark(x+run, y) {
				run++
			}
			if run > 0 {
				fmt.Fprintf(&path, "M%d %dh%dv1h-%dz", x+quiet, y+quiet, run, run)
				x += run
			}
		}
	}
	return web.QR{Size: size + 2*quiet, Path: path.String()}, nil
}
