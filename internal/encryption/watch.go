package encryption

// WatchQueue is Watch for every run: it receives when one is queued or has
// ended in this process. Package campaign waits for it before it queues more.
func (s *Service) WatchQueue() (<-chan struct{}, func()) { return s.bus.watch(runnerTopic) }
