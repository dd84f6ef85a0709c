"""The pages, by what they are about; each is a function that takes a visit and answers it."""
