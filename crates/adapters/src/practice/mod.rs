//! The practice model: answers in process when no provider is set, clearly labeled as simulated.
//!
//! What lives here: the model and its pace. What it says is written by `script`, from the call alone, so a call that
//! was cut goes on at the very same token. No clock, no chance: the same call gives the same chunks, always.

mod prose;
mod reading;
mod script;
mod structured;
mod texts;
mod voice;

use std::time::Duration;

use engine::ports::{Model, ModelCall, ModelChunk, ModelInfo, ModelResume, ModelStream, ResumeSupport};
use futures::StreamExt as _;

use self::voice::{Beat, Pause};

/// The name that people see.
pub const PRACTICE_NAME: &str = "Practice model";

/// How fast the practice model writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PracticeSpeed {
    /// Like a hosted model: a short wait, then about 40 pieces a second, slightly uneven.
    #[default]
    Natural,
    /// One piece after each such time.
    Every(Duration),
    /// Everything at once, for tests.
    Instant,
}

/// How long a natural stall lasts before it is reported, as a provider's idle time would be.
const STALL: Duration = Duration::from_mins(1);

/// The model that answers when no provider is set.
#[derive(Debug, Clone, Copy, Default)]
pub struct PracticeModel {
    speed: PracticeSpeed,
}

impl PracticeModel {
    /// A practice model that writes at this speed.
    pub const fn new(speed: PracticeSpeed) -> Self {
        Self { speed }
    }

    fn wait(self, pause: Pause) -> Duration {
        match (self.speed, pause) {
            (PracticeSpeed::Instant, _) | (_, Pause::None) => Duration::ZERO,
            (_, Pause::Stall) => STALL,
            (PracticeSpeed::Every(each), Pause::Millis(_)) => each,
            (PracticeSpeed::Natural, Pause::Millis(millis)) => Duration::from_millis(millis.into()),
        }
    }
}

impl Model for PracticeModel {
    fn info(&self, _model: &str) -> ModelInfo {
        ModelInfo { name: PRACTICE_NAME.into(), simulated: true }
    }

    fn resume_support(&self, _resume: &ModelResume) -> ResumeSupport {
        ResumeSupport::Continue
    }

    fn stream(&self, call: ModelCall, resume: Option<ModelResume>) -> ModelStream {
        let model = *self;
        let after = resume.map_or(0, |resume| resume.cursor);
        let beats = (1..).zip(script::write(&call)).filter(move |(cursor, _)| *cursor > after);
        Box::pin(futures::stream::iter(beats).then(move |(cursor, Beat { pause, event })| async move {
            let wait = model.wait(pause);
            if wait.is_zero() {
                tokio::task::consume_budget().await;
            } else {
                tokio::time::sleep(wait).await;
            }
            event.map(|event| ModelChunk { cursor, event })
        }))
    }
}

#[cfg(test)]
mod tests {
    use engine::ports::{InputItem, ModelEvent, Speaker};

    use super::*;

    #[test]
    fn natural_speed_is_that_of_a_hosted_model() {
        let model = PracticeModel::new(PracticeSpeed::Natural);
        for (words, rates) in [("write 400 words about maps", 30.0..60.0), ("write 400 words about maps, slowly", 4.0..10.0)] {
            let input = vec![InputItem::Message { speaker: Speaker::User, text: words.into() }];
            let (instructions, key) = (String::new(), String::new());
            let call = ModelCall { model: String::new(), instructions, input, tools: Vec::new(), output_schema: None, max_output_tokens: None, key };
            let waits: Vec<Duration> =
                script::write(&call).into_iter().filter(|beat| matches!(beat.event, Ok(ModelEvent::Text { .. }))).map(|beat| model.wait(beat.pause)).collect();
            let rate = waits.len() as f64 / waits.iter().sum::<Duration>().as_secs_f64();
            assert!(rates.contains(&rate), "{words}: {rate} pieces a second");
        }
    }
}
