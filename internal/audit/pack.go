package audit

// manifestHeader is the first line of a pack's signed manifest. It can never be
// a checkpoint's origin: an origin is the key's name, which holds no space.
const manifestHeader = "# cxseal evidence pack v1"
