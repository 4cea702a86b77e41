package tables

import "sync"

// syncs are the synchronisations that people started, one a connection.
type syncs struct {
	mu      sync.Mutex
	running map[string]bool
	wait    sync.WaitGroup
}

func (s *syncs) isRunning(connection string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.running[connection]
}

// start runs f unless one is running for the connection already.
func (s *syncs) start(connection string, f func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.running[connection] {
		return
	}
	if s.running == nil {
		s.running = map[string]bool{}
	}
	s.running[connection] = true
	s.wait.Go(func() {
		defer func() {
			s.mu.Lock()
			delete(s.running, connection)
			s.mu.Unlock()
		}()
		f()
	})
}
