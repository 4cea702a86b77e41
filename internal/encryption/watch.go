package encryption

// WatchQueue is Watch for every run: it receives when one is queued or has
// ended in this process, so that whoever feeds the queue knows when to.
func (s *Service) WatchQueue() (<-chan struct{}, func()) { return s.bus.watch(runnerTopic) }
