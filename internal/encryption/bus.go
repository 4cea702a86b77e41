package encryption

import "sync"

// runnerTopic is what runners watch: it is published when a run may have become
// ready to be claimed.
const runnerTopic = "runner"

// bus notifies the watchers of a run, in this process, that it moved. It carries no
// content: watchers read the store.
type bus struct {
	mu       sync.Mutex
	watchers map[string]map[chan struct{}]struct{}
}

// watch returns a channel that receives after the run moves (coalesced: a slow
// watcher misses nothing but repetitions), and a function that ends the watch.
func (b *bus) watch(runID string) (<-chan struct{}, func()) {
	ch := make(chan struct{}, 1)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.watchers == nil {
		b.watchers = map[string]map[chan struct{}]struct{}{}
	}
	if b.watchers[runID] == nil {
		b.watchers[runID] = map[chan struct{}]struct{}{}
	}
	b.watchers[runID][ch] = struct{}{}
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		delete(b.watchers[runID], ch)
		if len(b.watchers[runID]) == 0 {
			delete(b.watchers, runID)
		}
	}
}

func (b *bus) publish(runID string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.watchers[runID] {
		select {
		case ch <- struct{}{}:
		default: // it has one waiting already
		}
	}
}
