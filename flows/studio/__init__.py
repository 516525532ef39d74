"""What runs Foley passes day and night: server, workers, schedules, automations and notifications of one studio."""
