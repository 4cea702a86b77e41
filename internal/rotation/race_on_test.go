//go:build race

package rotation_test

// scale makes the big tests smaller under the race detector, which is ten
// times slower and looks for something else.
const scale = 5
