package trend

import (
	"bufio"
	"io"
	"strconv"
	"time"

	"cxseal/internal/audit"
)

// The series as CSV (contract §3): RFC 4180 with CRLF, UTF-8. A text that a
// spreadsheet would take for a formula is disarmed as in the audit export.

const (
	coverageHeader = "date,connection,datastore_id,table_id,total_fields,encrypted_fields,coverage_rate,sensitive_fields,sensitive_encrypted,sensitive_coverage," +
		"sensitive_verified,sensitive_unverified,sensitive_refused"
	latencyHeader = "date,stage,runs,failed,p50_ms,p95_ms,max_ms"
)

// changesHeader is what a coverage series with the changes of what counts adds to
// each row: by how much sensitive_fields changed since the day before, and how many
// columns people's decisions took out and brought in.
const changesHeader = ",sensitive_change,decided_out,decided_in"

// CSV writes rows of one series.
type CSV struct {
	w       *bufio.Writer
	line    []byte
	changes bool
}

// NewCoverageCSV begins a coverage series.
func NewCoverageCSV(w io.Writer) *CSV { return begin(w, coverageHeader) }

// NewCoverageChangesCSV begins a coverage series whose rows say too what changed of
// the number of sensitive columns.
func NewCoverageChangesCSV(w io.Writer) *CSV {
	c := begin(w, coverageHeader+changesHeader)
	c.changes = true
	return c
}

// NewLatencyCSV begins a latency series.
func NewLatencyCSV(w io.Writer) *CSV { return begin(w, latencyHeader) }

func begin(w io.Writer, header string) *CSV {
	c := &CSV{w: bufio.NewWriterSize(w, 32<<10)}
	c.line = append(append(c.line, header...), "\r\n"...)
	return c
}

// Coverage writes one snapshot.
func (c *CSV) Coverage(s Snapshot) error {
	c.text(s.Day.Format(time.DateOnly), true)
	for _, id := range []string{s.Connection, s.DatastoreID, s.TableID} {
		c.text(id, false)
	}
	for _, n := range []float64{float64(s.Total), float64(s.Encrypted), s.Rate(), float64(s.Sensitive), float64(s.SensitiveEncrypted()), s.SensitiveRate(),
		float64(s.Protected.Verified), float64(s.Protected.Unverified), float64(s.Protected.Refused)} {
		c.number(n)
	}
	if c.changes {
		for _, n := range []int{s.Net(), s.Decided.Out, s.Decided.In} {
			c.number(float64(n))
		}
	}
	return c.end()
}

// Latency writes one day's stage.
func (c *CSV) Latency(l Latency) error {
	c.text(l.Day.Format(time.DateOnly), true)
	c.text(string(l.Stage), false)
	for _, n := range []int64{int64(l.Runs), int64(l.Failed), l.P50, l.P95, l.Max} {
		c.number(float64(n))
	}
	return c.end()
}

func (c *CSV) text(s string, first bool) {
	if !first {
		c.line = append(c.line, ',')
	}
	c.line = audit.AppendCSVText(c.line, s)
}

func (c *CSV) number(n float64) {
	c.line = strconv.AppendFloat(append(c.line, ','), n, 'f', -1, 64)
}

func (c *CSV) end() error {
	c.line = append(c.line, "\r\n"...)
	_, err := c.w.Write(c.line)
	c.line = c.line[:0]
	return err
}

// Flush writes what is left; a series without rows is its header.
func (c *CSV) Flush() error {
	if len(c.line) > 0 {
		if _, err := c.w.Write(c.line); err != nil {
			return err
		}
		c.line = c.line[:0]
	}
	return c.w.Flush()
}
