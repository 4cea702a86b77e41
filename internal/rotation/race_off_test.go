//go:build !race

package rotation_test

// scale makes the big tests smaller under the race detector.
const scale = 1
