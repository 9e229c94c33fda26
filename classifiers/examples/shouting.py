"""Scores ``spam`` by how much of a text is in CAPITALS. Scripts without capitals are never shouted."""

from classifiers.contract import Answer, Opinion, Question, Score, Silence, Span, Unanswered


class Shouting:
    name = "shouting"  # what the policy asks for
    version = "1"  # changes whenever an answer could

    def judge(self, question: Question) -> Answer:
        if not question.texts:
            return Unanswered(self.name, Silence.UNSUPPORTED)
        loudest = Score("spam", 0.0)
        for part, text in enumerate(question.texts):
            letters = [sign for sign in text if sign.isalpha()]
            share = sum(sign.isupper() for sign in letters) / max(len(letters), 20)
            if 0.7 * share > loudest.value:  # loud alone is never sure: enough to hold, not to block
                loudest = Score("spam", 0.7 * share, (Span(part, 0, len(text)),))
        return Opinion(self.name, self.version, (loudest,))
